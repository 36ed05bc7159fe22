import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { expect, onTestFinished, test } from "vitest";

import { ROOT } from "./doorpolicy.ts";

/** Stands for `npx`: starts the program, and is killed in a way that it cannot hand on. */
const PARENT = `
  const [file, ...args] = process.argv.slice(1);
  require("node:child_process").spawn(file, args, { stdio: "inherit" });
`;

test("a program whose parent is gone is told to stop", async () => {
  const fixture = fileURLToPath(new URL("fixtures/interruptible.ts", import.meta.url));
  const program = [process.execPath, "--import", "tsx", fixture];
  const parent = spawn(process.execPath, ["-e", PARENT, ...program], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface(parent.stdout)[Symbol.asyncIterator]();
  const { value: pid } = await lines.next();
  onTestFinished(() => end(Number(pid)));

  parent.kill("SIGKILL");
  const { value: said } = await lines.next();

  expect(said).toBe("told");
});

/** Kills what the test has failed to end; it has ended where all is well. */
function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

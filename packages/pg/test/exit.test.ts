import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { startWorld, type World } from "./world.ts";

const child = fileURLToPath(new URL("child.ts", import.meta.url));
let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** Runs a story in a process of its own, with nothing that would end it. */
function run(story: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const started = spawn(
      process.execPath,
      ["--import", "tsx", child, story, world.bed.urls.direct],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let output = "";
    for (const stream of [started.stdout, started.stderr]) {
      stream.on("data", (text: Buffer) => (output += text.toString()));
    }
    started.on("close", (code) => resolve({ code, output }));
  });
}

// Each starts a process of its own, which takes longer than its story.
describe.concurrent("a process", { timeout: 60_000 }, () => {
  test("exits by itself after its last statement, without an end of the pool", async () => {
    const { code, output } = await run("exits");

    expect(output).toContain("done");
    expect(code).toBe(0);
  });

  test("outlives the loss of a connection that it holds, with no listener of its own", async () => {
    const { code, output } = await run("outlives");

    expect(output).toContain("still here");
    expect(code).toBe(0);
  });

  test("keeps its limits when its timers are replaced by a test's", async () => {
    const { code, output } = await run("fake-timers");

    expect(output).toContain("transaction/ended-by-policy");
    expect(code).toBe(0);
  });

  test("has a name where its user is unknown to the operating system", async () => {
    const { code, output } = await run("no-user");

    expect(output).toMatch(/^name billing:uid\d+@/m);
    expect(code).toBe(0);
  });
});

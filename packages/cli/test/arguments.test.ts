import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, describe, expect, test, vi } from "vitest";

import { run } from "../src/program.ts";
import { BIN, doorpolicy } from "./doorpolicy.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs the program in this process and catches what it prints; only its arguments are of interest here. */
async function runHere(args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text, encodingOrDone, done) => {
      printed[name] += String(text);
      const written = typeof encodingOrDone === "function" ? encodingOrDone : done;
      written?.();
      return true;
    });
  }
  const { code } = await run(args);
  vi.restoreAllMocks();

  return { code, ...printed };
}

describe("doorpolicy", () => {
  test.each([
    [["--version"], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
    [["--help"], 0, /check .*demo .*testbed /s, /^$/],
    [["check", "--help"], 0, /--max-warnings/, /^$/],
    [[], 2, /^$/, /Usage: doorpolicy/],
    [["chekc"], 2, /^$/, /unknown command 'chekc'.*Did you mean check/s],
    [["check"], 2, /^$/, /missing required argument 'file'/],
    [["check", "--max-warnings", "few", ".env"], 2, /^$/, /whole number/],
    [["check", "--client", "sequelize", ".env"], 2, /^$/, /Allowed choices are typeorm, prisma/],
    [["testbed", "--pool-size", "0"], 2, /^$/, /1 or more/],
    [["testbed", "--postgres", "9.6"], 2, /^$/, /Allowed choices are 15, 16, 17, 18/],
  ])("%j", async (args, code, stdout, stderr) => {
    const ran = await runHere(args);

    expect(ran).toEqual({
      code,
      stdout: expect.stringMatching(stdout),
      stderr: expect.stringMatching(stderr),
    });
  });

  // A `.env` file loads no module, so that this process may judge it.
  test.each([
    ["1", 0],
    ["0", 1],
  ])("check --max-warnings %s of one warning ends with %i", async (limit, code) => {
    const file = fileURLToPath(new URL("fixtures/ignored.env", import.meta.url));

    const ran = await runHere(["check", "--client", "prisma", "--max-warnings", limit, file]);

    expect(ran).toEqual({
      code,
      stdout: expect.stringContaining("0 errors, 1 warning\n"),
      stderr: "",
    });
  });

  test("does not list the command that the demo starts its services with", async () => {
    const { stdout } = await runHere(["--help"]);

    expect(stdout).not.toContain("demo-service");
  });

  test("ends with 2 for a command that it does not know", { timeout: 60_000 }, async () => {
    const { code, stdout } = await doorpolicy(["frobnicate"]);

    expect(code).toBe(2);
    expect(stdout).toBe("");
  });
});

test("the program of a checkout that is not built says what to run", () => {
  const folder = mkdtempSync(join(tmpdir(), "doorpolicy-"));
  // Its manifest says that it is a module.
  for (const file of ["bin/doorpolicy.js", "package.json"]) {
    cpSync(join(BIN, "../..", file), join(folder, file));
  }

  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(folder, "bin/doorpolicy.js"), "check", ".env"],
    { encoding: "utf8" },
  );
  rmSync(folder, { recursive: true });

  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: "",
    stderr: "doorpolicy is not built yet: run `npm run build` at the root of its repository.\n",
  });
});

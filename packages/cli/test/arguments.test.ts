import { describe, expect, test, vi } from "vitest";

import { doorpolicy } from "./doorpolicy.ts";

// Each test starts the program, which takes its time where many start at once.
vi.setConfig({ testTimeout: 60_000 });

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
    const ran = await doorpolicy(args);

    expect(ran.stdout).toMatch(stdout);
    expect(ran.stderr).toMatch(stderr);
    expect(ran.code).toBe(code);
  });

  test("does not list the command that the demo starts its services with", async () => {
    const { stdout } = await doorpolicy(["--help"]);

    expect(stdout).not.toContain("demo-service");
  });
});

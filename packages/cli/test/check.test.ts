import { describe, expect, test, vi } from "vitest";

import { doorpolicy, type Ran } from "./doorpolicy.ts";

// Each test starts the program, which takes its time where many start at once.
vi.setConfig({ testTimeout: 60_000 });

/** The part of the JSON report that is compared. */
interface Json {
  readonly errors: number;
  readonly warnings: number;
  readonly judged: readonly {
    readonly subject: string;
    readonly client: string;
    readonly policy: string;
  }[];
  readonly findings: readonly Readonly<Record<string, unknown>>[];
  readonly failures: readonly {
    readonly file: string;
    readonly message: string;
    readonly cause: string | null;
  }[];
  readonly notices: readonly string[];
}

async function checkJson(...args: string[]): Promise<Json & Pick<Ran, "code" | "stderr">> {
  const { code, stdout, stderr } = await doorpolicy(["check", "--format", "json", ...args]);
  const json: Json = JSON.parse(stdout);

  return { ...json, code, stderr };
}

const fixture = (name: string): string => `packages/cli/test/fixtures/${name}`;

describe("check, on the seeded example", () => {
  const files = ["examples/check/seeded/data-source.ts", "examples/check/seeded/.env"];

  test("finds the statement_timeout in extra, the missing name and pgbouncer=true", async () => {
    const { code, findings } = await checkJson(...files);

    expect(findings.map(({ rule, file, line, column }) => ({ rule, file, line, column }))).toEqual([
      { rule: "naming/required", file: files[0], line: null, column: null },
      { rule: "startup/no-unsupported-parameters", file: files[0], line: 12, column: 5 },
      { rule: "settings/no-ignored", file: files[1], line: 2, column: 84 },
    ]);
    expect(findings.map(({ client }) => client)).toEqual(["typeorm", "typeorm", "prisma"]);
    expect(code).toBe(1);
  });

  test("prints them in the shape of the house, without the password", async () => {
    const { code, stdout, stderr } = await doorpolicy(["check", ...files]);

    expect(stdout).toContain(`\
error[startup/no-unsupported-parameters]: \`statement_timeout\` goes out in the startup packet, and PgBouncer 1.24 refuses the connection.
  --> examples/check/seeded/data-source.ts:12:5 at extra.statement_timeout
  help: Move it to \`transaction.statementTimeoutMs\`; it is sent with BEGIN as SET LOCAL.
  docs: docs/rules/startup/no-unsupported-parameters.md

`);
    expect(stdout).toContain("--> examples/check/seeded/.env:2:84 at DATABASE_URL?pgbouncer\n");
    expect(stdout).toMatch(/\n\n2 errors, 1 warning\n$/);
    expect(stdout + stderr).not.toContain("not-a-real-password");
    expect(code).toBe(1);
  });
});

describe("check, on the clean example", () => {
  test("is silent", async () => {
    const files = ["data-source.ts", "prisma.ts", ".env", "doorpolicy.config.ts"];

    const ran = await doorpolicy(["check", ...files.map((file) => `examples/check/clean/${file}`)]);

    expect(ran).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

describe("check, on what cannot be judged", () => {
  test("says why for each file, judges the others, and exits with 2", async () => {
    const { code, failures, judged, findings } = await checkJson(
      fixture("absent.ts"),
      fixture("throws.mjs"),
      fixture("bad-key.mjs"),
      fixture("broken-chain.mjs"),
      fixture("connects.mjs"),
      fixture("exits.mjs"),
      fixture("nothing.mjs"),
      fixture("excused"),
      fixture("several.mjs"),
    );

    expect(
      failures.map(({ file, message }) => `${file.replace(/^.*fixtures\//, "")}: ${message}`),
    ).toEqual([
      "absent.ts: it cannot be read",
      "throws.mjs: no database at [connection URL]",
      "bad-key.mjs: `maxPerProces` is not a key of `connections`; did you mean `maxPerProcess`?",
      expect.stringMatching(/^broken-chain\.mjs \(export policy\): Limits fire in the wrong order/),
      "connects.mjs: the module opens a connection when it is imported",
      "exits.mjs: the module ends the process with code 0",
      "nothing.mjs: the module exports nothing that can be judged",
      "excused: it is neither a `.env` file nor a module",
    ]);
    expect(judged.map(({ subject }) => subject)).toEqual([
      "export connections[0]",
      "export connections[1]",
    ]);
    expect(findings.map(({ path, line }) => ({ path, line }))).toEqual([
      { path: "extra.lock_timeout", line: 5 },
    ]);
    expect(code).toBe(2);
  });

  test("shows what a module threw without its URLs, and a stack only for --debug", async () => {
    const [short, long] = await Promise.all([
      doorpolicy(["check", fixture("throws.mjs")]),
      doorpolicy(["check", "--debug", fixture("throws.mjs")]),
    ]);

    expect(short.stderr).toContain(
      "cannot judge packages/cli/test/fixtures/throws.mjs: no database at",
    );
    expect(short.stderr).toContain("  cause: ");
    expect(short.stderr).not.toMatch(/s3cr et|\n\s+at /);
    expect(long.stderr).toMatch(/\n\s+at /);
    expect(long.stderr).not.toContain("s3cr et");
    expect([short.code, long.code]).toEqual([2, 2]);
  });

  test("names the key of a policy given by --policy", async () => {
    const { code, failures } = await checkJson(
      "--policy",
      fixture("bad-key.mjs"),
      "examples/check/seeded/.env",
    );

    expect(failures[0]?.message).toBe(`the policy in ${fixture("bad-key.mjs")} cannot be used`);
    expect(failures[0]?.cause).toContain("`maxPerProces` is not a key of `connections`");
    expect(code).toBe(2);
  });
});

describe("check", () => {
  test("keeps standard output for the report, and ends though a module keeps a timer", async () => {
    const { code, judged, stderr } = await checkJson(fixture("noisy.mjs"));

    expect(stderr).toContain("loading the configuration");
    expect(judged).toEqual([expect.objectContaining({ policy: "recommended", client: "typeorm" })]);
    expect(code).toBe(0);
  });

  test("imports entities whose decorated fields are definite", async () => {
    const { code, judged, failures } = await checkJson(fixture("entity.ts"));

    expect(failures).toEqual([]);
    expect(judged).toEqual([expect.objectContaining({ subject: "export options" })]);
    expect(code).toBe(0);
  });

  test("takes the nearest policy file, its severities and its written exceptions", async () => {
    const { code, warnings, findings, judged, notices } = await checkJson(
      fixture("excused/data-source.mjs"),
    );

    expect(judged[0]?.policy).toBe(fixture("excused/doorpolicy.config.mjs"));
    expect(findings).toEqual([
      expect.objectContaining({
        allowed: "the pooler ignores it since May",
        path: "extra.lock_timeout",
      }),
      expect.objectContaining({
        severity: "warn",
        rule: "connections/no-client-pool",
        allowed: null,
      }),
    ]);
    expect(warnings).toBe(1);
    expect(notices).toEqual([expect.stringMatching(/naming\/required.*2024-02-29/)]);
    expect(code).toBe(0);
  });

  test("fails on more warnings than --max-warnings", async () => {
    const few = await checkJson("--max-warnings", "1", fixture("excused/data-source.mjs"));
    const many = await checkJson("--max-warnings", "0", fixture("excused/data-source.mjs"));

    expect(few.code).toBe(0);
    expect(many.code).toBe(1);
  });
});

import { beforeAll, describe, expect, test, vi } from "vitest";

import { doorpolicy, type Ran } from "./doorpolicy.ts";

// The program is started a few times only, and looks at many files each time: a start takes a second.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** The part of the JSON report that is compared. */
interface Json {
  readonly errors: number;
  readonly warnings: number;
  readonly judged: readonly {
    readonly file: string;
    readonly subject: string;
    readonly client: string;
    readonly policy: string;
  }[];
  readonly findings: readonly (Readonly<Record<string, unknown>> & { readonly file: string })[];
  readonly failures: readonly {
    readonly file: string;
    readonly subject: string | null;
    readonly line: number | null;
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

/** Those of some files. */
function of<Item extends { readonly file: string }>(
  items: readonly Item[],
  ...files: readonly string[]
): Item[] {
  return items.filter(({ file }) => files.includes(file));
}

const SEEDED = ["examples/check/seeded/data-source.ts", "examples/check/seeded/.env"] as const;

describe("check, on the seeded example and a module that throws", () => {
  test("prints findings in the shape of the house and failures apart, without a password", async () => {
    const { code, stdout, stderr } = await doorpolicy(["check", ...SEEDED, fixture("throws.mjs")]);

    expect(stdout).toContain(`\
error[startup/no-unsupported-parameters]: \`statement_timeout\` goes out in the startup packet, and PgBouncer 1.24 refuses the connection.
  --> examples/check/seeded/data-source.ts:12:5 at extra.statement_timeout
  help: Move it to \`transaction.statementTimeoutMs\`; it is sent with BEGIN as SET LOCAL.
  docs: docs/rules/startup/no-unsupported-parameters.md

`);
    expect(stdout).toContain("--> examples/check/seeded/.env:2:84 at DATABASE_URL?pgbouncer\n");
    expect(stdout).toMatch(
      /\n\njudged by examples\/check\/seeded\/doorpolicy\.config\.ts\n\n2 errors, 1 warning\n$/,
    );
    expect(stderr).toContain("cannot judge packages/cli/test/fixtures/throws.mjs: no database at");
    expect(stderr).toContain("  cause: ");
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout + stderr).not.toMatch(/not-a-real-password|s3cr et/);
    expect(code).toBe(2);
  });
});

describe("check, on the clean example", () => {
  test("says in one line what it looked at", async () => {
    const files = ["data-source.ts", "prisma.ts", ".env", "doorpolicy.config.ts"];

    const ran = await doorpolicy(["check", ...files.map((file) => `examples/check/clean/${file}`)]);

    expect(ran).toEqual({
      code: 0,
      stdout:
        "4 files, 4 clients, 1 policy judged by examples/check/clean/doorpolicy.config.ts: no errors, no warnings\n",
      stderr: "",
    });
  });
});

describe("check, on many files at once", () => {
  let all: Awaited<ReturnType<typeof checkJson>>;
  beforeAll(async () => {
    all = await checkJson(
      ...SEEDED,
      fixture("absent.ts"),
      fixture("throws.mjs"),
      fixture("bad-key.mjs"),
      fixture("broken-chain.mjs"),
      fixture("connects.mjs"),
      fixture("exits.mjs"),
      fixture("nothing.mjs"),
      fixture("excused"),
      fixture("several.mjs"),
      fixture("noisy.mjs"),
      fixture("entity.ts"),
      fixture("two.mjs"),
      fixture("variables/.env"),
      fixture("wrapped/data-source.mjs"),
      fixture("wrapped/with-policy.mjs"),
    );
  });
  test("finds the statement_timeout in extra, the missing name and pgbouncer=true", () => {
    const found = of(all.findings, ...SEEDED);

    expect(found.map(({ rule, file, line, column }) => ({ rule, file, line, column }))).toEqual([
      { rule: "naming/required", file: SEEDED[0], line: null, column: null },
      { rule: "startup/no-unsupported-parameters", file: SEEDED[0], line: 12, column: 5 },
      { rule: "settings/no-ignored", file: SEEDED[1], line: 2, column: 84 },
    ]);
    expect(found.map(({ client }) => client)).toEqual(["typeorm", "typeorm", "prisma"]);
  });

  test("says why for each that cannot be judged, judges the others, and exits with 2", () => {
    const failures = all.failures.filter(({ line }) => line === null);

    expect(
      failures.map(
        ({ file, subject, message }) =>
          `${file.replace(/^.*fixtures\//, "")}${subject === null ? "" : ` (${subject})`}: ${message}`,
      ),
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
    expect(of(all.judged, fixture("several.mjs")).map(({ subject }) => subject)).toEqual([
      "export connections[0]",
      "export connections[1]",
    ]);
    expect(
      of(all.findings, fixture("several.mjs")).map(({ subject, path, line }) => ({
        subject,
        path,
        line,
      })),
    ).toEqual([{ subject: "export connections[1]", path: "extra.lock_timeout", line: 5 }]);
    expect(all.code).toBe(2);
  });

  test("judges a .env file variable by variable, and by their names those of the policy", () => {
    const file = fixture("variables/.env");

    const failures = of(all.failures, file);

    expect(failures.map(({ subject, line, message }) => ({ subject, line, message }))).toEqual([
      { subject: "DATABASE_URL", line: 2, message: expect.stringContaining("scheme `mysql:`") },
      { subject: "REPORTING_URL", line: 3, message: expect.stringContaining("cannot be read") },
    ]);
    expect(of(all.findings, file).map(({ path, line }) => ({ path, line }))).toEqual([
      { path: "DIRECT_URL?pgbouncer", line: 4 },
    ]);
    expect(
      new Set(of(all.judged, file).map(({ subject, policy }) => `${subject} ${policy}`)),
    ).toEqual(new Set([`DIRECT_URL ${fixture("variables/doorpolicy.config.ts")}`]));
  });

  test("judges wrapped options by the policy that their module exports or imports", () => {
    const files = [fixture("wrapped/data-source.mjs"), fixture("wrapped/with-policy.mjs")];

    const judged = of(all.judged, ...files).filter(({ client }) => client !== "policy");

    expect(judged.map(({ policy }) => policy)).toEqual([
      fixture("wrapped/db-policy.mjs"),
      fixture("wrapped/with-policy.mjs"),
    ]);
    expect(of(all.findings, ...files)).toEqual([]);
  });

  test("tells the exports of a file apart", () => {
    const found = of(all.findings, fixture("two.mjs"));

    expect(found.map(({ subject, path, line }) => ({ subject, path, line }))).toEqual([
      { subject: "export billing", path: "poolSize", line: 3 },
      { subject: "export reporting", path: "poolSize", line: 7 },
    ]);
  });

  test("keeps standard output for the report, and ends though a module keeps a timer", () => {
    const judged = of(all.judged, fixture("noisy.mjs"));

    expect(all.stderr).toContain("loading the configuration");
    expect(judged).toEqual([expect.objectContaining({ policy: "recommended", client: "typeorm" })]);
  });

  test("imports entities whose decorated fields are definite", () => {
    const judged = of(all.judged, fixture("entity.ts"));

    expect(judged).toEqual([expect.objectContaining({ subject: "export options" })]);
  });
});

describe("check", () => {
  test("shows a stack for --debug, without the URLs in it", async () => {
    const { code, stderr } = await doorpolicy(["check", "--debug", fixture("throws.mjs")]);

    expect(stderr).toMatch(/\n\s+at /);
    expect(stderr).not.toContain("s3cr et");
    expect(code).toBe(2);
  });

  test("names the key of a policy given by --policy", async () => {
    const { code, failures } = await checkJson("--policy", fixture("bad-key.mjs"), SEEDED[1]);

    expect(failures[0]?.message).toBe(`the policy in ${fixture("bad-key.mjs")} cannot be used`);
    expect(failures[0]?.cause).toContain("`maxPerProces` is not a key of `connections`");
    expect(code).toBe(2);
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
});

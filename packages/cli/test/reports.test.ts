import pc from "picocolors";
import { describe, expect, test } from "vitest";

import type { CheckReport, Judged, LocatedFinding } from "../src/check/check-report.ts";
import {
  brokenPromises,
  demoJson,
  type DemoReport,
  type ServiceStory,
} from "../src/demo/demo-report.ts";
import { demoTable } from "../src/demo/table.ts";
import { jsonReport } from "../src/report/json.ts";
import { textFailures, textReport } from "../src/report/text.ts";

const plain = pc.createColors(false);

const finding: LocatedFinding = {
  rule: "startup/no-unsupported-parameters",
  severity: "error",
  message:
    "`statement_timeout` goes out in the startup packet, and PgBouncer 1.18 refuses the connection.",
  help: "Move it to `transaction.statementTimeoutMs`; it is sent with BEGIN as SET LOCAL.",
  path: "extra.statement_timeout",
  client: "typeorm",
  target: "main",
  docs: "docs/rules/startup/no-unsupported-parameters.md",
  file: "src/data-source.ts",
  subject: "export options",
  position: { line: 14, column: 7 },
};

const report = (findings: readonly LocatedFinding[]): CheckReport => ({
  files: ["src/data-source.ts"],
  judged: [],
  findings,
  failures: [],
  notices: [],
});

const judgedBy = (policy: string, subject: string, file: string): Judged => ({
  file,
  subject,
  client: "typeorm",
  coverage: "checked",
  policy,
});

describe("the text of a check", () => {
  const url = { ...judgedBy("doorpolicy.config.ts", "DATABASE_URL", ".env"), client: "pg" };
  const options = judgedBy("doorpolicy.config.ts", "export options", "a.ts");
  const bare = judgedBy("recommended", "export options", "b.ts");
  const policy = { ...judgedBy("c.ts", "export policy", "c.ts"), client: "policy" };
  const CLEAN: readonly (readonly [files: readonly string[], judged: readonly Judged[], string])[] =
    [
      [
        [".env", "a.ts"],
        [url, { ...url, client: "typeorm" }, { ...url, subject: "DIRECT_URL" }, options],
        "2 files, 3 clients judged by doorpolicy.config.ts: no errors, no warnings",
      ],
      [
        ["a.ts", "b.ts"],
        [options, bare],
        "2 files, 2 clients judged by doorpolicy.config.ts and the preset `recommended` (no doorpolicy.config.* found): no errors, no warnings",
      ],
      [["c.ts"], [policy], "1 file, 1 policy judged: no errors, no warnings"],
      [
        ["a.ts", "c.ts", "d.ts"],
        [options, policy, { ...policy, file: "d.ts" }],
        "3 files, 1 client, 2 policies judged by doorpolicy.config.ts: no errors, no warnings",
      ],
      [[".env"], [], "1 file, 0 clients judged: no errors, no warnings"],
    ];
  test.each(CLEAN)(
    "of %j without a finding is one line that says what was looked at",
    (...given) => {
      const [files, judged, expected] = given;

      const text = textReport({ ...report([]), files, judged }, plain);

      expect(text).toBe(expected);
    },
  );

  test("is empty where nothing was found and something could not be judged", () => {
    const failure = {
      file: "a.ts",
      subject: undefined,
      position: undefined,
      message: "it throws",
      hint: "Mend it.",
      cause: undefined,
      stack: undefined,
    };

    const text = textReport({ ...report([]), failures: [failure] }, plain);

    expect(text).toBe("");
  });

  test("has a block for each finding, and the counts", () => {
    const warning: LocatedFinding = { ...finding, severity: "warn", position: undefined };

    const text = textReport(report([finding, warning]), plain);

    expect(text).toBe(`\
error[startup/no-unsupported-parameters]: \`statement_timeout\` goes out in the startup packet, and PgBouncer 1.18 refuses the connection.
  --> src/data-source.ts:14:7 at extra.statement_timeout
  help: Move it to \`transaction.statementTimeoutMs\`; it is sent with BEGIN as SET LOCAL.
  docs: docs/rules/startup/no-unsupported-parameters.md

warning[startup/no-unsupported-parameters]: \`statement_timeout\` goes out in the startup packet, and PgBouncer 1.18 refuses the connection.
  --> src/data-source.ts at extra.statement_timeout
  help: Move it to \`transaction.statementTimeoutMs\`; it is sent with BEGIN as SET LOCAL.
  docs: docs/rules/startup/no-unsupported-parameters.md

1 error, 1 warning`);
  });

  test("shows a written exception with its reason, and counts it apart", () => {
    const text = textReport(report([{ ...finding, allowed: "the pooler ignores it" }]), plain);

    expect(text).toContain("allowed[startup/no-unsupported-parameters]");
    expect(text).toContain("  reason: the pooler ignores it\n");
    expect(text).toMatch(/\n\n0 errors, 0 warnings, 1 allowed$/);
  });

  test("says which policy judged, and that it is the preset where none was found", () => {
    const { file, subject } = finding;

    const found = textReport(
      { ...report([finding]), judged: [judgedBy("db/doorpolicy.config.ts", subject, file)] },
      plain,
    );
    const preset = textReport(
      { ...report([finding]), judged: [judgedBy("recommended", subject, file)] },
      plain,
    );

    expect(found).toMatch(/\n\njudged by db\/doorpolicy\.config\.ts\n\n1 error, 0 warnings$/);
    expect(preset).toContain(
      "\n\njudged by the preset `recommended`: no doorpolicy.config.* found; add one that exports your policy\n\n",
    );
  });

  test("names the files where several policies judged, and the export where a file has several", () => {
    const [one, two, other] = [
      { ...finding, file: "a.ts", subject: "export billing" },
      { ...finding, file: "a.ts", subject: "export reports[1]" },
      { ...finding, file: "b.ts", subject: "export options" },
    ];

    const text = textReport(
      {
        ...report([one, two, other]),
        judged: [
          judgedBy("a.ts", "export billing", "a.ts"),
          judgedBy("a.ts", "export reports[1]", "a.ts"),
          judgedBy("c.ts", "export options", "b.ts"),
          { ...judgedBy("b.ts", "export policy", "b.ts"), client: "policy" },
        ],
      },
      plain,
    );

    expect(text.match(/(?<=--> ).*/g)).toEqual([
      "a.ts:14:7 at extra.statement_timeout of `billing`",
      "a.ts:14:7 at extra.statement_timeout of `reports[1]`",
      "b.ts:14:7 at extra.statement_timeout",
    ]);
    expect(text).toContain("\n\na.ts judged by a.ts\nb.ts judged by c.ts\n\n3 errors");
  });

  test("names the variable that cannot be judged, and its line", () => {
    const failure = {
      file: ".env",
      subject: "DATABASE_URL",
      position: { line: 2, column: 1 },
      message: "it cannot be read",
      hint: "Mend it.",
      cause: undefined,
      stack: undefined,
    };

    const text = textFailures([failure], plain, { debug: false });

    expect(text).toBe("cannot judge .env:2:1 (DATABASE_URL): it cannot be read\n  help: Mend it.");
  });

  test("shows the stack of a failure only when it is asked for", () => {
    const failure = {
      file: "a.ts",
      subject: undefined,
      position: undefined,
      message: "it throws",
      hint: "Mend it.",
      cause: "no such table",
      stack: "Error: it throws\n    at a.ts:1:1",
    };

    const short = textFailures([failure], plain, { debug: false });
    const long = textFailures([failure], plain, { debug: true });

    expect(short).toBe("cannot judge a.ts: it throws\n  help: Mend it.\n  cause: no such table");
    expect(long).toBe(`${short}\n    Error: it throws\n        at a.ts:1:1`);
  });
});

test("the JSON of a check says null for what is not known", () => {
  const json: unknown = JSON.parse(
    jsonReport({
      files: ["a.ts", "b.ts"],
      judged: [
        {
          file: "a.ts",
          subject: "export policy",
          client: "policy",
          coverage: undefined,
          policy: "a.ts",
        },
      ],
      findings: [{ ...finding, position: undefined }],
      failures: [
        {
          file: "b.ts",
          subject: undefined,
          position: undefined,
          message: "m",
          hint: "h",
          cause: undefined,
          stack: "s",
        },
      ],
      notices: ["n"],
    }),
  );

  expect(json).toEqual({
    version: 1,
    errors: 1,
    warnings: 0,
    allowed: 0,
    judged: [
      { file: "a.ts", subject: "export policy", client: "policy", coverage: null, policy: "a.ts" },
    ],
    findings: [
      {
        rule: finding.rule,
        severity: "error",
        message: finding.message,
        help: finding.help,
        file: "src/data-source.ts",
        subject: "export options",
        line: null,
        column: null,
        path: "extra.statement_timeout",
        client: "typeorm",
        target: "main",
        docs: finding.docs,
        allowed: null,
      },
    ],
    failures: [
      {
        file: "b.ts",
        subject: null,
        line: null,
        column: null,
        message: "m",
        hint: "h",
        cause: null,
      },
    ],
    notices: ["n"],
  });
});

const kept: ServiceStory = {
  result: {
    requests: 40,
    names: ["booking-typeorm:deploy@web-1"],
    idleClientConnections: 0,
    idleInTransaction: 0,
    acknowledged: 46,
    durable: 46,
    rolledBack: 1,
    violations: 2,
  },
  lost: 0,
  longestIdleInTransactionMs: 1_020,
  rules: { "transaction/left-open": 1, "transaction/idle": 1 },
};
const broken: ServiceStory = {
  result: {
    ...kept.result,
    names: [""],
    idleClientConnections: 10,
    idleInTransaction: 2,
    acknowledged: 48,
    durable: 40,
    violations: 0,
  },
  lost: 8,
  longestIdleInTransactionMs: 3_049,
  rules: {},
};
const demo: DemoReport = {
  servers: { postgres: "17.10", pgbouncer: "1.24.1", poolMode: "transaction" },
  without: { typeorm: broken, prisma: broken },
  with: { typeorm: kept, prisma: kept },
};

test("the table of the demo puts before and after side by side", () => {
  const text = demoTable(demo, plain);

  expect(text.split("\n").slice(3, 13).join("\n")).toBe(`\
┌──────────────────────────┬───────────────────────────┬──────────────────────────────┐
│ TypeORM                  │ as everybody does it      │ with the policy              │
├──────────────────────────┼───────────────────────────┼──────────────────────────────┤
│ Postgres sees            │ nobody (no name)          │ booking-typeorm:deploy@web-1 │
│ Connections left idle    │ 10                        │ 0                            │
│ Transactions left open   │ 2, for 3.0 s and counting │ 0 (one ended after 1.0 s)    │
│ Acknowledged writes lost │ 8 of 48                   │ 0 of 46                      │
│ The policy reported      │ there was none            │ 1 × transaction/idle         │
│                          │                           │ 1 × transaction/left-open    │
└──────────────────────────┴───────────────────────────┴──────────────────────────────┘`);
});

test("the table of the demo paints what is lost red, and what is kept green", () => {
  const colors = pc.createColors(true);

  const text = demoTable(demo, colors);

  expect(text).toContain(colors.red("8 of 48"));
  expect(text).toContain(colors.green("0 of 46"));
  expect(text).toContain(colors.red("nobody (no name)"));
  expect(text).toContain(colors.green("booking-typeorm:deploy@web-1"));
});

test("the JSON of the demo has the results and nothing beside them", () => {
  const json: unknown = JSON.parse(demoJson(demo));

  expect(json).toEqual({
    servers: demo.servers,
    without: { typeorm: broken.result, prisma: broken.result },
    with: { typeorm: kept.result, prisma: kept.result },
  });
});

describe("a promise of the policy", () => {
  test.each<[string, Partial<ServiceStory["result"]>, string[]]>([
    ["everything kept", {}, []],
    [
      "no name seen",
      { names: [] },
      ["typeorm: a connection had no name of the form app:user@host"],
    ],
    [
      "an empty name",
      { names: ["a:b@c", ""] },
      ["typeorm: a connection had no name of the form app:user@host"],
    ],
    ["an idle connection", { idleClientConnections: 1 }, ["typeorm: 1 connections stayed open"]],
    ["an open transaction", { idleInTransaction: 2 }, ["typeorm: 2 transactions stayed open"]],
    ["a lost row", { durable: 45 }, ["typeorm: 46 rows were acknowledged and 45 are there"]],
    ["a row too many", { durable: 47 }, ["typeorm: 46 rows were acknowledged and 47 are there"]],
  ])("%s", (_, changed, expected) => {
    const changedStory = { ...kept, result: { ...kept.result, ...changed } };

    const promises = brokenPromises({ ...demo, with: { typeorm: changedStory, prisma: kept } });

    expect(promises).toEqual(expected);
  });
});

import { capabilitiesOf, effectsOf, judgeStatement } from "../../src/index.ts";
import { type FormGroup, FORMS, POOLERS, type StatementForm } from "./forms.ts";

type Traits = (typeof POOLERS)[number][1];

/** `docs/statements.md`, whole. */
export function statementsPage(): string {
  return `${INTRODUCTION}\n${FORMS.map((group) => section(group)).join("\n")}\n${NOTES}`;
}

function section({ title, forms }: FormGroup): string {
  const header = ["statement", ...POOLERS.map(([pooler]) => pooler), "rule"];
  const rows = forms.map((form) => [
    form.title,
    ...POOLERS.map(([, traits]) => cell(form, traits)),
    rulesOf(form),
  ]);
  return `## ${title}\n\n${table([header, ...rows])}\n`;
}

function cell(form: StatementForm, traits: Traits): string {
  const [outside, inside] = [false, true].map((isInBlock) => verdict(form, traits, isInBlock).word);
  return outside === inside ? (outside ?? "") : `${outside ?? ""} / ${inside ?? ""}`;
}

function verdict(
  { text, values, isNamed = false }: StatementForm,
  traits: Traits,
  isInBlock: boolean,
): { readonly word: string; readonly rules: readonly string[] } {
  const capabilities = capabilitiesOf(traits);
  const findings = judgeStatement(effectsOf(text), {
    has: (capability) => capabilities.has(capability),
    text,
    values,
    isNamed,
    isInBlock,
  });
  const isRefused = findings.some(({ level }) => level === "refuse");
  const word = isRefused ? "no" : findings.length > 0 ? "warn" : "ok";
  return { word, rules: findings.map(({ rule }) => rule) };
}

function rulesOf(form: StatementForm): string {
  const rules = new Set(
    POOLERS.flatMap(([, traits]) =>
      [false, true].flatMap((isInBlock) => verdict(form, traits, isInBlock).rules),
    ),
  );
  return [...rules]
    .filter((rule) => rule !== "session-state/pins-connection" || rules.size === 1)
    .map((rule) => `[${rule.split("/")[1] ?? ""}](./rules/${rule}.md)`)
    .join(", ");
}

/** As the formatter of this repository writes it. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [header = [], ...body] = rows;
  const rule = widths.map((width) => "-".repeat(width));
  return [line(header), line(rule), ...body.map((row) => line(row))].join("\n");
}

const INTRODUCTION = `# Statements

What a statement does beyond its rows, to the session that runs it, goes wrong behind a pooler in transaction mode: the session is a server connection, and the next client gets it. The guarded driver reads each text before it is sent and holds it against what the pooler can do. What is refused fails with the rule's id as its \`code\` and never reaches the server; in \`observe\` it is sent and reported.

| in the tables | outside of a block, or in a unit's settings alone | inside: \`BEGIN\`, an ORM's transaction, \`transaction()\` |
| ------------- | ------------------------------------------------- | ------------------------------------------------------- |
| \`ok\`          | sent                                              | sent                                                    |
| \`no\`          | refused                                           | refused                                                 |
| \`warn\`        | sent and reported                                 | sent and reported                                       |
| \`no / ok\`     | refused                                           | sent                                                    |

What is set, listened to, locked or prepared inside a block outlives its COMMIT, so that a block allows only what ends with it. Several statements in one text are one block up to a COMMIT or ROLLBACK among them, and what ends with it needs a statement behind it that makes use of it. On the direct lane, and in session mode, nothing is refused: there a session is the client's own. Poolers are as they come; settings of theirs that change a verdict are named in the policy (\`pooler.settings\`). Functions are recognised wherever they stand in a statement, with their schema, in quotation marks and behind comments; strings, comments, columns and the bodies of functions are left alone.

This page is written by a test (\`packages/core/test/statements/docs.test.ts\`) from the verdicts themselves.
`;

const NOTES = `¹ Postgres itself refuses \`LOCK TABLE\` and \`DECLARE\` outside of a block (25P01) and \`VACUUM\` and its like inside of one (25001), with a pooler and without.

² Operators, their classes and families, and what belongs to text search are not seen.

## Exceptions

A rule is switched off or loosened in the policy: \`rules: { "session-state/no-listen": { runtime: "warn" } }\`, with a reason and an end by \`allow\`. A bare \`"off"\` or \`"warn"\` sets what the check of the command line does, and these rules have none: write \`runtime\`.

\`\`\`ts
definePolicy({
  allow: [
    {
      rule: "session-state/no-set",
      match: "SET lock_timeout",
      reason: "the job has its own database user",
      until: "2027-01-31",
    },
  ],
});
\`\`\`

\`match\` is a part of the statement's text as it is written, upper and lower case included, and no pattern. **Without it the exception is for every statement of the rule.** After \`until\` (that day included; it may be left out) it has no effect, and says so. In code:

\`\`\`ts
import { allowing } from "@doorpolicy/pg"; // or /typeorm, or /prisma

await allowing("session-state/no-session-lock", "one pod, own database user", () =>
  dataSource.query("select pg_advisory_lock(1)"),
);
\`\`\`

It holds for what the function sends and awaits, and is reported with its reason.

## What no text shows

\`DO\`, \`CALL\` and functions that are not known may set, lock or listen inside, those of extensions among them (\`set_limit()\` of pg_trgm, \`dblink_connect()\`); triggers, views and rules too. They are allowed. \`opaqueStatements()\` lists the first three by name, with how often each was sent. What they leave behind is found where the server says it: see [\`connections/contaminated\`](./rules/connections/contaminated.md).
`;

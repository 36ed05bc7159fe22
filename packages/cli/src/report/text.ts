import {
  type CheckReport,
  type Failure,
  type Judged,
  type LocatedFinding,
  type Position,
  PRESET,
  type Tally,
  tallyOf,
} from "../check/check-report.ts";
import type { Colors } from "../output.ts";

/**
 * The findings as people read them: one block each, a blank line between, then which policy judged
 * and the count.
 * Without findings it is one line that says what was looked at; where something could not be judged,
 * nothing, since what was looked at is then not all.
 */
export function textReport(report: CheckReport, colors: Colors): string {
  if (report.findings.length === 0) return report.failures.length === 0 ? cleanLine(report) : "";

  const blocks = report.findings.map((finding) => findingBlock(finding, report, colors));
  const judges = judgesOf(report);
  const end = [...(judges.length === 0 ? [] : [judges.join("\n")]), summary(tallyOf(report))];
  return [...blocks, ...end].join("\n\n");
}

/**
 * `2 files, 3 clients judged by doorpolicy.config.ts: no errors, no warnings`. A URL that is judged for two
 * ORMs counts once.
 */
function cleanLine({ files, judged }: CheckReport): string {
  const clients = judged.filter(({ client }) => client !== "policy");
  const policies = judged.filter(({ client }) => client === "policy");
  const [count, own] = [subjectsIn(clients), subjectsIn(policies)];
  const what = [
    counted(files.length, "file"),
    ...(count === 0 && own > 0 ? [] : [counted(count, "client")]),
    ...(own === 0 ? [] : [counted(own, "policy", "policies")]),
  ].join(", ");
  const judges = new Set(clients.map(({ policy }) => judgeNamed(policy)));
  const by = judges.size === 0 ? "" : ` by ${[...judges].join(" and ")}`;

  return `${what} judged${by}: no errors, no warnings`;
}

function subjectsIn(judged: readonly Judged[]): number {
  return new Set(judged.map(({ file, subject }) => `${file} ${subject}`)).size;
}

function judgeNamed(policy: string): string {
  return policy === PRESET ? `the preset \`${PRESET}\` (no doorpolicy.config.* found)` : policy;
}

/** What could not be judged, and why; goes to standard error. */
export function textFailures(
  failures: readonly Failure[],
  colors: Colors,
  options: { readonly debug: boolean },
): string {
  return failures
    .map((failure) => {
      const subject = failure.subject === undefined ? "" : ` (${failure.subject})`;
      const lines = [
        `${colors.red(colors.bold("cannot judge"))} ${failure.file}${placeOf(failure.position)}${subject}: ${failure.message}`,
        `  ${colors.cyan("help:")} ${failure.hint}`,
      ];
      if (failure.cause !== undefined) lines.push(`  ${colors.cyan("cause:")} ${failure.cause}`);
      if (options.debug && failure.stack !== undefined) lines.push(indented(failure.stack));
      return lines.join("\n");
    })
    .join("\n\n");
}

/** The policies that the findings come from; a file is named only where there are several. */
function judgesOf({ findings, judged }: CheckReport): string[] {
  const files = new Map<string, Set<string>>();
  for (const { file, subject } of findings) {
    const policy = judged.find((one) => one.file === file && one.subject === subject)?.policy;
    if (policy !== undefined) files.set(policy, (files.get(policy) ?? new Set()).add(file));
  }

  return [...files].map(([policy, those]) => {
    const which = files.size === 1 ? "" : `${[...those].join(", ")} `;
    return policy === PRESET
      ? `${which}judged by the preset \`${PRESET}\`: no doorpolicy.config.* found; add one that exports your policy`
      : `${which}judged by ${policy}`;
  });
}

function findingBlock(finding: LocatedFinding, { judged }: CheckReport, colors: Colors): string {
  const others = judged.filter(
    (one) =>
      one.file === finding.file && one.subject !== finding.subject && one.client !== "policy",
  );
  // The path in a `.env` file begins with its variable; that of an option says nothing of its export.
  const owner = /^export (.+)$/.exec(finding.subject)?.[1];
  const of = others.length === 0 || owner === undefined ? "" : ` of \`${owner}\``;
  const lines = [
    `${headOf(finding, colors)}: ${finding.message}`,
    `  ${colors.blue("-->")} ${finding.file}${placeOf(finding.position)} at ${finding.path}${of}`,
  ];
  if (finding.allowed === undefined) lines.push(`  ${colors.cyan("help:")} ${finding.help}`);
  else lines.push(`  ${colors.cyan("reason:")} ${finding.allowed}`);
  lines.push(`  ${colors.cyan("docs:")} ${finding.docs}`);

  return lines.join("\n");
}

function placeOf(position: Position | undefined): string {
  return position === undefined ? "" : `:${position.line}:${position.column}`;
}

function headOf(finding: LocatedFinding, colors: Colors): string {
  if (finding.allowed !== undefined) return colors.dim(`allowed[${finding.rule}]`);
  const paint = finding.severity === "error" ? colors.red : colors.yellow;

  return colors.bold(
    paint(`${finding.severity === "error" ? "error" : "warning"}[${finding.rule}]`),
  );
}

function summary(tally: Tally): string {
  const counts = [counted(tally.errors, "error"), counted(tally.warnings, "warning")];
  if (tally.allowed > 0) counts.push(`${tally.allowed} allowed`);

  return counts.join(", ");
}

function counted(count: number, what: string, several: string = `${what}s`): string {
  return `${count} ${count === 1 ? what : several}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}

import {
  type CheckReport,
  type Failure,
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
 * A report without findings is the empty text, so that a clean run is silent.
 */
export function textReport(report: CheckReport, colors: Colors): string {
  if (report.findings.length === 0) return "";

  const blocks = report.findings.map((finding) => findingBlock(finding, report, colors));
  const judges = judgesOf(report);
  const end = [...(judges.length === 0 ? [] : [judges.join("\n")]), summary(tallyOf(report))];
  return [...blocks, ...end].join("\n\n");
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

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}

import type { CheckReport, Failure, LocatedFinding, Tally } from "../check/check-report.ts";
import { tallyOf } from "../check/check-report.ts";
import type { Colors } from "../output.ts";

/**
 * The findings as people read them: one block each, a blank line between, a count at the end.
 * A report without findings is the empty text, so that a clean run is silent.
 */
export function textReport(report: CheckReport, colors: Colors): string {
  if (report.findings.length === 0) return "";

  const blocks = report.findings.map((finding) => findingBlock(finding, colors));
  return [...blocks, summary(tallyOf(report))].join("\n\n");
}

/** What could not be judged, and why; goes to standard error. */
export function textFailures(
  failures: readonly Failure[],
  colors: Colors,
  options: { readonly debug: boolean },
): string {
  return failures
    .map((failure) => {
      const lines = [
        `${colors.red(colors.bold("cannot judge"))} ${failure.file}: ${failure.message}`,
        `  ${colors.cyan("help:")} ${failure.hint}`,
      ];
      if (failure.cause !== undefined) lines.push(`  ${colors.cyan("cause:")} ${failure.cause}`);
      if (options.debug && failure.stack !== undefined) lines.push(indented(failure.stack));
      return lines.join("\n");
    })
    .join("\n\n");
}

function findingBlock(finding: LocatedFinding, colors: Colors): string {
  const place =
    finding.position === undefined ? "" : `:${finding.position.line}:${finding.position.column}`;
  const lines = [
    `${headOf(finding, colors)}: ${finding.message}`,
    `  ${colors.blue("-->")} ${finding.file}${place} at ${finding.path}`,
  ];
  if (finding.allowed === undefined) lines.push(`  ${colors.cyan("help:")} ${finding.help}`);
  else lines.push(`  ${colors.cyan("reason:")} ${finding.allowed}`);
  lines.push(`  ${colors.cyan("docs:")} ${finding.docs}`);

  return lines.join("\n");
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

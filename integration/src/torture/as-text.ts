import type { TortureReport } from "./torture.ts";

/** How many broken promises are told in full; each has its plan with it. */
const MOST_TOLD = 20;

/** A report for people. */
export function asText(report: TortureReport): string {
  const { closed, reports, told, broken } = report;
  const lines = [
    ...table([
      ["units", report.units],
      ["acknowledged", report.acknowledged],
      ["failed", report.failed],
      ["unknown", report.unknown],
      ["backends ended by plan", report.killed],
      ["units cut by the proxy", report.mayDrop],
      ["server connections dropped because of us", report.dropped],
      ["seconds", (report.ms / 1_000).toFixed(1)],
    ]),
    "",
    "server connections that PgBouncer closed",
    ...table(Object.entries(closed)),
    "",
    "reported",
    ...table(Object.entries(reports)),
    "",
    "what units were told that failed",
    ...Object.entries(told).map(([text, count]) => `  ${String(count).padStart(5)}  ${text}`),
    "",
  ];
  for (const { what, unit, plan, said } of broken.slice(0, MOST_TOLD)) {
    lines.push(unit === undefined ? what : `unit ${unit}: ${what}`);
    if (said !== undefined) lines.push(`  it was told: ${said}`);
    if (plan !== undefined) lines.push(`  ${JSON.stringify(plan)}`);
  }
  if (broken.length > MOST_TOLD) lines.push(`… and ${broken.length - MOST_TOLD} more.`);
  lines.push(broken.length === 0 ? "Every promise was kept." : again(report));
  return `${lines.join("\n")}\n`;
}

function table(rows: readonly (readonly [string, string | number])[]): readonly string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}

/** Plans hang on the seed and the index alone, so that single units can be run again. */
function again({ seed, broken }: TortureReport): string {
  const units = [...new Set(broken.flatMap(({ unit }) => unit ?? []))].slice(0, MOST_TOLD);
  const only = units.length === 0 ? "" : ` --only ${units.join(",")}`;
  return `${broken.length} promises were broken; look again: npm run torture -- --seed ${seed}${only}`;
}

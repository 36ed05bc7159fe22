import Table from "cli-table3";

import type { Colors } from "../output.ts";
import type { DemoReport, ServiceStory } from "./demo-report.ts";
import type { Orm } from "./service.ts";

const TITLES: Readonly<Record<Orm, string>> = { typeorm: "TypeORM", prisma: "Prisma" };
const ORMS = ["typeorm", "prisma"] as const;

/** One line of the table: what it is about, and what was seen without and with the policy. */
type Row = readonly [label: string, before: Cell, after: Cell];

/** A cell of one or more lines, and whether it is what one wants to see. */
interface Cell {
  readonly lines: readonly string[];
  readonly looks: "good" | "bad" | "plain";
}

/** The before/after tables of the demo, to be understood in ten seconds, and a line with what to do next. */
export function demoTable(report: DemoReport, colors: Colors): string {
  const { postgres, pgbouncer, poolMode } = report.servers;
  const { requests } = report.without.typeorm.result;
  const tables = ORMS.map((orm) => ({ orm, rows: rowsOf(report.without[orm], report.with[orm]) }));
  const widths = widthsOf(tables.flatMap(({ rows }) => rows));

  return [
    `The same bad day, without and with the policy: ${requests} requests at once, some that fail, one block`,
    `left open, one bare BEGIN. PostgreSQL ${postgres} behind PgBouncer ${pgbouncer} in ${poolMode} mode.`,
    "",
    ...tables.map(({ orm, rows }) => tableOf(TITLES[orm], rows, widths, colors)),
    "",
    "Next: wrap your own options in withPolicy(options, policy), then run `npx doorpolicy check` on them.",
  ].join("\n");
}

function rowsOf(before: ServiceStory, after: ServiceStory): Row[] {
  return [
    ["Postgres sees", namesCell(before), namesCell(after)],
    [
      "Connections left idle",
      countCell(before.result.idleClientConnections),
      countCell(after.result.idleClientConnections),
    ],
    ["Transactions left open", openCell(before), openCell(after)],
    ["Acknowledged writes lost", lostCell(before), lostCell(after)],
    ["The policy reported", { lines: ["there was none"], looks: "plain" }, reportedCell(after)],
  ];
}

function namesCell({ result: { names } }: ServiceStory): Cell {
  const isNamed = names.length > 0 && !names.includes("");

  return {
    lines: names.map((name) => (name === "" ? "nobody (no name)" : name)),
    looks: isNamed ? "good" : "bad",
  };
}

function countCell(count: number): Cell {
  return { lines: [String(count)], looks: count === 0 ? "good" : "bad" };
}

function openCell({ result, longestIdleInTransactionMs }: ServiceStory): Cell {
  const seconds = `${(longestIdleInTransactionMs / 1_000).toFixed(1)} s`;
  const open = result.idleInTransaction;
  if (open > 0) return { lines: [`${open}, for ${seconds} and counting`], looks: "bad" };

  // Half a second is more than any block of the day takes by itself.
  return {
    lines: [longestIdleInTransactionMs < 500 ? "0" : `0 (one ended after ${seconds})`],
    looks: "good",
  };
}

function lostCell({ lost, result }: ServiceStory): Cell {
  return { lines: [`${lost} of ${result.acknowledged}`], looks: lost === 0 ? "good" : "bad" };
}

function reportedCell({ rules }: ServiceStory): Cell {
  const lines = Object.entries(rules).map(([rule, count]) => `${count} × ${rule}`);

  return { lines: lines.length === 0 ? ["nothing"] : lines.toSorted(), looks: "plain" };
}

/** Both tables have the same columns, so that the eye can go down. */
function widthsOf(rows: readonly Row[]): number[] {
  return [
    widest(rows.map(([label]) => label)),
    Math.max(22, widest(rows.flatMap(([, before]) => before.lines))),
    Math.max(22, widest(rows.flatMap(([, , after]) => after.lines))),
  ];
}

function widest(column: readonly string[]): number {
  return Math.max(...column.map((text) => text.length)) + 2;
}

/** Head and body; the body is one row of the table library, since a rule under every line is noise. */
function tableOf(title: string, rows: readonly Row[], widths: number[], colors: Colors): string {
  const table = new Table({
    head: [colors.bold(title), "as everybody does it", "with the policy"],
    colWidths: widths,
    style: { head: [], border: [] },
  });
  const columns: [string[], string[], string[]] = [[], [], []];
  for (const [label, before, after] of rows) {
    const height = Math.max(before.lines.length, after.lines.length);
    for (let line = 0; line < height; line += 1) {
      columns[0].push(line === 0 ? label : "");
      columns[1].push(painted(before, line, colors));
      columns[2].push(painted(after, line, colors));
    }
  }
  table.push(columns.map((lines) => lines.join("\n")));

  return table.toString();
}

function painted({ lines, looks }: Cell, line: number, colors: Colors): string {
  const text = lines[line] ?? "";
  if (text === "" || looks === "plain") return text;

  return looks === "good" ? colors.green(text) : colors.red(text);
}

import { goalText } from "../method/goal.ts";
import type { Measured } from "../method/rounds.ts";
import type { Summary } from "../method/statistics.ts";
import type { Results } from "./results.ts";

/** One line of the terminal, as soon as a figure is there. */
export function line(name: string, measured: Measured): string {
  const { unit, goal, verdict, control, what } = measured;
  const parts = [
    name.padEnd(34),
    `${measured.median}${unit === undefined ? "" : ` ${unit}`}`.padEnd(14),
    range(measured).padEnd(16),
    control === undefined ? "" : `A/A ${range(control)}`,
    goal === undefined ? "" : `${goalText(goal)}: ${verdict}`,
  ];
  return `${parts.filter((part) => part !== "").join(" ")}  ${what}`;
}

/** Every figure of a run, as Markdown. */
export function markdownTable(ratios: Results["ratios"]): string {
  const rows = Object.entries(ratios).map(([name, measured]) => {
    const { median, unit, control, goal, verdict, what } = measured;
    return [
      `\`${name}\``,
      what,
      unit === undefined ? `${median}` : `${median} ${unit}`,
      range(measured),
      control === undefined ? "" : range(control),
      goal === undefined ? "" : goalText(goal),
      verdict ?? "",
    ];
  });
  return table(["name", "what", "median", "quartiles", "A/A", "goal", "verdict"], rows);
}

/** A Markdown table, its columns padded as the formatter pads them; `|` in a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) =>
    Math.max(3, ...all.map((cells) => cells[column]?.length ?? 0)),
  );
  const text = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  const [first = [], ...others] = all;
  return [text(first), text(widths.map((width) => "-".repeat(width))), ...others.map(text)].join(
    "\n",
  );
}

export function range({ q25, q75 }: Pick<Summary, "q25" | "q75">): string {
  return `${q25}–${q75}`;
}

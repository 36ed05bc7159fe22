import { goalText } from "../method/goal.ts";
import type { Results } from "./results.ts";
import { range, table } from "./table.ts";

const START = "<!-- bench:start -->";
const END = "<!-- bench:end -->";

/** What the README quotes of a run: every figure that has a goal, met or not. */
export function readmeBlock({ date, machine, versions, ratios }: Results): string {
  const rows = Object.entries(ratios).flatMap(([name, measured]) => {
    const { goal, verdict, control, median, what } = measured;
    if (goal === undefined || verdict === undefined) return [];
    const noise = control === undefined ? "" : range(control);
    return [[`\`${name}\``, what, String(median), range(measured), noise, goalText(goal), verdict]];
  });
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    table(["name", "what", "median", "quartiles", "A/A", "goal", "verdict"], rows),
    "![Measured divided by allowed, for every goal](./bench/plots/goals.svg)",
    `Measured on ${date} with ${programs.join(", ")} on ${machine}. Only ratios mean something; A/A is the same thing against itself in the same rounds.`,
  ].join("\n\n");
}

/** A text with what stands between the markers replaced; `undefined` where it has no markers. */
export function withBlock(text: string, block: string): string | undefined {
  const start = text.indexOf(START);
  const end = text.indexOf(END, start);
  if (start === -1 || end === -1) return undefined;
  return `${text.slice(0, start + START.length)}\n\n${block}\n\n${text.slice(end)}`;
}

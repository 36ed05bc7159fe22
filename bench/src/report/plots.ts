import { type IntervalPlot, intervalPlot, type PlotRow } from "./interval-plot.ts";
import type { Results } from "./results.ts";

type Ratios = Results["ratios"];

/** What is shown of a run: which figures, and against what. */
const PLOTS: Readonly<Record<string, (ratios: Ratios) => IntervalPlot>> = {
  goals: (ratios) => ({
    title: "Goals: measured / allowed",
    axis: "left of the line: met (logarithmic)",
    reference: 1,
    rows: Object.entries(ratios).flatMap(([name, measured]) => againstGoal(name, measured)),
  }),
  connections: (ratios) => ({
    title: "No idle connection: time per statement / warm pg-pool",
    axis: "times a warm pool (logarithmic)",
    reference: 1,
    rows: rowsOf(ratios, /^nullpool\.(trust|scram|tls)\.callers\d+\.(warm|maxUses)$/),
  }),
  requests: (ratios) => ({
    title: "A request without connections kept / on a warm pg-pool",
    axis: "times a warm pool (logarithmic)",
    reference: 1,
    rows: rowsOf(ratios, /^unit\./),
  }),
  orms: (ratios) => ({
    title: "ORMs with the policy / without",
    axis: "times the ORM as it comes (logarithmic)",
    reference: 1,
    rows: rowsOf(ratios, /^(typeorm|prisma)\./),
  }),
};

/** SVG texts by file name; a plot that nothing was measured for is left out. */
export function plotsOf(ratios: Ratios): ReadonlyMap<string, string> {
  const plots = Object.entries(PLOTS).map(([name, of]) => [`${name}.svg`, of(ratios)] as const);
  return new Map(
    plots
      .filter(([, { rows }]) => rows.length > 0)
      .map(([file, plot]) => [file, intervalPlot(plot)] as const),
  );
}

function rowsOf(ratios: Ratios, names: RegExp): readonly PlotRow[] {
  return Object.entries(ratios)
    .filter(([name]) => names.test(name))
    .map(([label, { median, q25, q75 }]) => ({ label, median, q25, q75 }));
}

/** 1 is the goal, and less is better; a goal of nothing has no place on such an axis. */
function againstGoal(label: string, measured: Ratios[string]): readonly PlotRow[] {
  const { goal, median, q25, q75 } = measured;
  if (goal === undefined) return [];
  if ("atLeast" in goal) {
    const { atLeast } = goal;
    return [{ label, median: atLeast / median, q25: atLeast / q75, q75: atLeast / q25 }];
  }
  const { atMost } = goal;
  if (atMost === 0 || median <= 0) return [];
  return [{ label, median: median / atMost, q25: Math.max(q25, 0) / atMost, q75: q75 / atMost }];
}

import type { Summary } from "./statistics.ts";

/** What a number has to be. `always`: in every round, and not only in the median of them. */
export type Goal =
  | { readonly atMost: number; readonly always?: true }
  | { readonly atLeast: number; readonly always?: true };

export type Verdict = "met" | "overlaps A/A" | "missed";

/**
 * Whether a goal is met.
 *
 * A ratio that cannot be told from 1 on this machine, because its quartiles overlap those of the A/A
 * control, meets a goal that allows 1. A goal that asks for less than 1 (or more, for `atLeast`) is
 * not met by noise.
 */
export function verdictOn(
  goal: Goal,
  summary: Summary & { readonly worst: number },
  control: Summary | undefined,
): Verdict {
  const judged = goal.always ? summary.worst : summary.median;
  if ("atMost" in goal ? judged <= goal.atMost : judged >= goal.atLeast) return "met";
  const allowsOne = "atMost" in goal ? goal.atMost >= 1 : goal.atLeast <= 1;
  if (goal.always || control === undefined || !allowsOne) return "missed";
  return summary.q25 <= control.q75 && control.q25 <= summary.q75 ? "overlaps A/A" : "missed";
}

/** `≤ 1.02`, `0, always`. */
export function goalText(goal: Goal): string {
  const [sign, bound] = "atMost" in goal ? ["≤", goal.atMost] : ["≥", goal.atLeast];
  return goal.always ? `${sign} ${bound}, always` : `${sign} ${bound}`;
}

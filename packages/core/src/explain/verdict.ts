import type { Explanation } from "./explanation.ts";
import { type Link, within } from "./face.ts";
import type { Retryable } from "./fault.ts";

/** What one error of a chain says of the whole. */
export interface Verdict {
  readonly link: Link;
  /** How many wrappers stand around it; Prisma's engines print one error into the text of another. */
  readonly depth: number;
  /** A `PolicyError`, a reason, or what is left of one that got lost. */
  readonly weight: "own" | "reason" | "symptom";
  readonly explanation: Explanation;
}

const WEIGHTS = ["own", "reason", "symptom"] as const satisfies readonly Verdict["weight"][];

/** From what may be repeated least: who repeats something for one error repeats it for those beside it too. */
const STRICTEST = [
  "no",
  "if-not-sent",
  "whole-transaction",
  "yes",
] as const satisfies readonly Retryable[];

/**
 * The verdict that holds for a chain of errors.
 *
 * - Of errors in each other one speaks: a `PolicyError`, of several the outermost; else the innermost
 *   reason, which the others were thrown because of; else the innermost symptom.
 * - Of errors beside each other (an `AggregateError`) the one that may be repeated least; of equals the
 *   heavier, then the inner, then the first.
 */
export function decisive(verdicts: readonly Verdict[]): Verdict | undefined {
  if (verdicts.length < 2) return verdicts[0];
  const insides = new Map(verdicts.map(({ link }) => [link, within(link)]));
  const isIn = (one: Verdict, other: Verdict): boolean =>
    insides.get(other.link)?.has(one.link) === true;
  const standing: Verdict[] = [];
  for (const weight of WEIGHTS) {
    const equals = verdicts.filter((one) => one.weight === weight);
    const left = equals.filter(
      (one) =>
        !standing.some((heavier) => isIn(one, heavier) || isIn(heavier, one)) &&
        !equals.some((other) =>
          weight === "own"
            ? other.depth < one.depth && isIn(one, other)
            : other.depth > one.depth && isIn(other, one),
        ),
    );
    standing.push(...left);
  }
  // Sorting keeps the order of equals.
  return standing.toSorted(
    (one, other) =>
      strictness(one) - strictness(other) ||
      WEIGHTS.indexOf(one.weight) - WEIGHTS.indexOf(other.weight) ||
      (one.weight === "own" ? 0 : other.depth - one.depth),
  )[0];
}

function strictness({ explanation }: Verdict): number {
  return STRICTEST.indexOf(explanation.retryable);
}

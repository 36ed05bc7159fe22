import { PolicyError } from "./errors.ts";
import type { Lane } from "./mode.ts";
import { nearest } from "./resolve/nearest.ts";
import { asCode, describe, isObject, shownName } from "./resolve/problem.ts";
import type { LaneChoice } from "./resolved-policy.ts";

const KEYS = ["target", "lane"];
const LANES: readonly Lane[] = ["pooled", "direct", "replica"];

/**
 * Looks at a choice that JavaScript passed without a compiler: a mistyped lane would otherwise be
 * another lane, in silence, and a migration would go through the pooler.
 *
 * @throws PolicyError `policy/invalid` naming the key, its value and what is allowed.
 */
export function validateChoice(choice: unknown): asserts choice is LaneChoice {
  if (!isObject(choice)) {
    throw invalid(
      "choice",
      `The choice of target and lane is ${describe(choice)}, and has to be an object.`,
      isLane(choice)
        ? `Pass \`{ lane: "${choice}" }\`.`
        : "Pass an object with `target` and `lane`, or leave it out.",
    );
  }
  for (const key of Object.keys(choice)) {
    if (KEYS.includes(key)) continue;
    const guess = nearest(key, KEYS);
    throw invalid(
      shownName(key),
      `${asCode(shownName(key))} is not a key of the choice of target and lane; ${
        guess === undefined ? "allowed is `target`, `lane`." : `did you mean ${asCode(guess)}?`
      }`,
      guess === undefined ? `Remove ${asCode(shownName(key))}.` : `Rename it to ${asCode(guess)}.`,
    );
  }
  const { target, lane } = choice;
  if (target !== undefined && typeof target !== "string") {
    throw invalid(
      "target",
      `\`target\` is ${describe(target)}; allowed is the name of a target.`,
      "Set it to one of the names under `targets`.",
    );
  }
  if (lane === undefined || isLane(lane)) return;
  const guess = typeof lane === "string" ? nearest(lane, LANES) : undefined;
  const allowed = LANES.map((one) => `"${one}"`).join(", ");
  throw invalid(
    "lane",
    `\`lane\` is ${describe(lane)}; allowed is one of ${allowed}.`,
    guess === undefined ? `Set it to one of ${allowed}.` : `Set it to "${guess}".`,
  );
}

function isLane(value: unknown): value is Lane {
  return LANES.some((lane) => lane === value);
}

function invalid(path: string, says: string, hint: string): PolicyError {
  return new PolicyError("policy/invalid", says, { path, hint });
}

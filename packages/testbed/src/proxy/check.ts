import { TestbedError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { namesOf } from "./messages.ts";
import type { CutKind, FaultAction, FaultCondition, Step } from "./rules.ts";

const CONDITION = ["direction", "message", "match", "nth", "connection"];
const SHORT = ["cut", "blackHole", "hold", "count"];
const LONG = ["cut", "truncate", "delay"];
const CUTS: readonly CutKind[] = ["fin", "rst"];

/** A delay of more is no delay: Node fires such a timer at once. */
const MAX_MS = 2 ** 31 - 1;

/** Refuses a condition that no message can meet. Throws `testbed/invalid-option`. */
export function checkCondition(condition: FaultCondition): void {
  knownKeys("", condition, CONDITION);
  const { direction, message, nth, connection } = condition;
  oneOf("direction", direction, ["client", "server"]);
  for (const name of message === undefined ? [] : [message].flat()) {
    oneOf("message", name, namesOf[direction]);
  }
  if (nth !== undefined) wholeFrom(1, "nth", nth);
  if (connection !== undefined) wholeFrom(1, "connection", connection);
}

/** The long form of an action, with its defaults. Throws `testbed/invalid-option`. */
export function checkAction(action: FaultAction): Step {
  if (typeof action === "string") {
    oneOf("action", action, SHORT);
    return action === "cut" ? { kind: action, bytes: 0, with: "fin" } : { kind: action };
  }
  oneOf("kind", action.kind, LONG);
  if (action.kind === "delay") {
    knownKeys("", action, ["kind", "ms"]);
    wholeFrom(0, "ms", action.ms, MAX_MS);
    return { kind: "delay", ms: action.ms };
  }
  if (action.kind === "truncate") {
    knownKeys("", action, ["kind", "bytes", "with"]);
    wholeFrom(0, "bytes", action.bytes);
    return { kind: "truncate", bytes: action.bytes, with: checkCut(action.with) };
  }
  knownKeys("", action, ["kind", "with"]);
  return { kind: "cut", bytes: 0, with: checkCut(action.with) };
}

/** How to cut, `"fin"` unless said otherwise. Throws `testbed/invalid-option`. */
export function checkCut(kind: CutKind = "fin"): CutKind {
  oneOf("with", kind, CUTS);
  return kind;
}

/** Refuses keys that mean nothing: a rule with `mesage` would be about every message. */
export function knownKeys(place: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw invalid(
    `\`${place}${unknown}\` is not an option of the fault proxy; known here: ${known.join(", ")}.`,
    `Remove \`${place}${unknown}\`.`,
  );
}

/** A whole number within bounds. Throws `testbed/invalid-option`. */
export function wholeFrom(
  least: number,
  option: string,
  value: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(
    `\`${option}\` of the fault proxy is ${String(value)}, and no such whole number is possible.`,
    `Set \`${option}\` to a whole number from ${least} to ${most}.`,
  );
}

function oneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  const guess = nearest(value, allowed);
  throw invalid(
    `\`${option}\` of the fault proxy is ${JSON.stringify(value)}; ${
      guess === undefined ? `allowed: ${allowed.join(", ")}.` : `did you mean "${guess}"?`
    }`,
    `Set \`${option}\` to ${guess === undefined ? "an allowed value" : `"${guess}"`}.`,
  );
}

function invalid(message: string, hint: string): TestbedError {
  return new TestbedError("testbed/invalid-option", message, hint);
}

import type { Policy } from "./policy.ts";

/** Shared by all copies of this package in one process (ESM, CJS, bundles). */
const MARK = Symbol.for("doorpolicy/policy");

/** Marks a policy as made by `definePolicy`. Spreading it loses the mark, since the copy is unchecked. */
export function markPolicy(policy: object): void {
  Object.defineProperty(policy, MARK, { value: true });
}

/** True for what `definePolicy` of any copy of this package has returned. */
export function isPolicy(value: unknown): value is Policy {
  return typeof value === "object" && value !== null && MARK in value && value[MARK] === true;
}

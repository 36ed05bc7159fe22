import type { Policy } from "./policy.ts";
import { isPolicy, markPolicy } from "./policy-mark.ts";
import { validatePolicy } from "./resolve/validate.ts";

/**
 * Checks a policy at once and returns a frozen copy of it; what was given is left alone. Nothing is
 * read from the environment yet (see `resolvePolicy`).
 *
 * @throws PolicyError `policy/invalid` naming every key that is wrong, its value and what is allowed;
 * `naming/invalid` for a name or template that cannot be one; `url/unsupported` for a URL that is
 * written into the policy and is none.
 */
export function definePolicy<const P extends Policy>(policy: P): P {
  validatePolicy(policy);
  const copy = frozenCopy(policy);
  if (!isPolicy(copy)) markPolicy(copy);
  return Object.freeze(copy);
}

/** Copies plain objects and lists; functions and policies that are frozen already stay what they are. */
function frozenCopy<Value>(value: Value, depth = 0): Value {
  if (typeof value !== "object" || value === null || (depth > 0 && isPolicy(value))) return value;
  const entries: [string, unknown][] = Object.entries(value).map(([key, inner]) => [
    key,
    frozenCopy(inner, depth + 1),
  ]);
  const copy: unknown = Array.isArray(value)
    ? entries.map(([, inner]) => inner)
    : Object.fromEntries(entries);
  // The outermost is marked before it is frozen.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy is of the type of its original
  return (depth === 0 ? copy : Object.freeze(copy)) as Value;
}

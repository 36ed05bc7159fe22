import type { Policy } from "./policy.ts";
import { isPolicy, markPolicy } from "./policy-mark.ts";
import { validatePolicy } from "./resolve/validate.ts";

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/**
 * Checks a policy at once and returns a frozen copy of it; what was given is left alone. Nothing is
 * read from the environment yet (see `resolvePolicy`). Printed or made JSON, the copy and its parts show
 * no URL.
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
  if (typeof copy === "object" && copy !== null) hideUrls(copy);
  // The outermost is marked before it is frozen.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a copy is of the type of its original
  return (depth === 0 ? copy : Object.freeze(copy)) as Value;
}

/** Neither key is enumerable: comparing, spreading and cloning see the policy as it was written. */
function hideUrls(part: object): void {
  const shown = { value: (): unknown => withoutUrls(part) };
  Object.defineProperties(part, { [INSPECT]: shown, toJSON: shown });
}

/** A copy for readers. A URL that stands in a policy has one of these schemes, or the policy was refused. */
function withoutUrls(value: unknown): unknown {
  if (typeof value === "string") {
    return /^postgres(?:ql)?:\/\//iu.test(value) ? "[connection URL]" : value;
  }
  if (Array.isArray(value)) return value.map((one: unknown) => withoutUrls(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutUrls(one)]));
}

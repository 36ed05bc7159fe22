import { PolicyError } from "./errors.ts";
import { isPolicy } from "./policy-mark.ts";
import { describeKind, isObject } from "./resolve/problem.ts";

/**
 * Refuses what cannot be a client's options: nothing, a text, or the policy itself, for those who
 * passed their arguments in the other order. For adapters, before they read a key of it.
 *
 * @throws PolicyError `policy/invalid` for a policy; `options/refused` for what is no object.
 */
export function refuseAsOptions(options: unknown): void {
  if (isPolicy(options) || (isObject(options) && options["kind"] === "resolved-policy")) {
    throw new PolicyError(
      "policy/invalid",
      "A policy stands where the client's options belong, so that the options would be read as the policy.",
      { hint: "Pass the options first: `withPolicy(options, policy)`." },
    );
  }
  if (isObject(options)) return;
  throw new PolicyError(
    "options/refused",
    `The client's options are ${describeKind(options)}, and options are an object.`,
    { hint: "Pass an object, which may be empty: `withPolicy({ … }, policy)`." },
  );
}

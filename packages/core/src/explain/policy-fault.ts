import { isPolicyError, type PolicyErrorCode } from "../errors.ts";
import type { Explanation } from "./explanation.ts";
import type { Retryable } from "./fault.ts";

/** What is not listed fails again until somebody changes something. */
const RETRYABLE: { readonly [Code in PolicyErrorCode]?: Retryable } = {
  "connection/acquire-timeout": "yes",
  "transaction/ended-by-policy": "whole-transaction",
};

/** A `PolicyError` explains itself; its own words are taken over. */
export function explainPolicyError(error: unknown): Explanation | undefined {
  if (!isPolicyError(error)) return undefined;
  const { code, hint, message } = error;
  return {
    kind: `policy.${code}`,
    retryable: RETRYABLE[code] ?? "no",
    sentence: message.endsWith(hint) ? message.slice(0, -hint.length).trimEnd() : message,
    hint,
    docs: "docs/faults/policy.md",
  };
}

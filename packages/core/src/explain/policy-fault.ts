import { isPolicyError, type PolicyErrorCode } from "../errors.ts";
import type { Explanation } from "./explanation.ts";
import type { Link } from "./face.ts";
import type { Retryable } from "./fault.ts";

/**
 * What is not listed fails again until somebody changes something, or may have taken effect already.
 * `"yes"` is said only of what was refused before anything of it was sent.
 *
 * `connection/reclaimed` is not listed: the statement was not sent, and whether those before it were
 * undone depends on whether they stood in a block. `unit/stalled` is not either: a wait for oneself is
 * the same wait the next time.
 */
const RETRYABLE: { readonly [Code in PolicyErrorCode]?: Retryable } = {
  "connection/acquire-timeout": "yes",
  "transaction/ended-by-policy": "whole-transaction",
  "transaction/ended-by-server": "whole-transaction",
  "transaction/no-second-connection": "yes",
  "unit/draining": "yes",
};

/** Nobody may take these for something that can be tried again, whatever stands around or beside them. */
const UNKNOWN: readonly PolicyErrorCode[] = [
  "transaction/outcome-unknown",
  "statement/outcome-unknown",
];

/** TypeORM's `QueryFailedError` has what it wraps as its text, name and all, and takes over its properties. */
const WRAPPED = /^PolicyError: /u;

/**
 * The `PolicyError` of a chain explains itself; its own words are taken over. Of several the
 * outermost, but before all of them one that says that the outcome is unknown.
 */
export function explainPolicyError(chain: readonly Link[]): Explanation | undefined {
  const own = chain.map(({ value }): unknown => value).filter(isPolicyError);
  const error = own.find(({ code }) => UNKNOWN.includes(code)) ?? own[0];
  if (error === undefined) return undefined;
  const { code, hint } = error;
  const message = error.message.replace(WRAPPED, "");
  return {
    kind: `policy.${code}`,
    retryable: RETRYABLE[code] ?? "no",
    sentence: message.endsWith(hint) ? message.slice(0, -hint.length).trimEnd() : message,
    hint,
    docs: `docs/errors/${code}.md`,
  };
}

import { docsUrl } from "../docs-url.ts";
import type { PolicyError, PolicyErrorCode } from "../errors.ts";
import type { Explanation } from "./explanation.ts";
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
  "lock/not-acquired": "yes",
};

/** TypeORM's `QueryFailedError` has what it wraps as its text, name and all, and takes over its properties. */
const WRAPPED = /^PolicyError: /u;

/** What is known of a `PolicyError`, whatever is left of it. */
export type OwnError = Pick<PolicyError, "code" | "hint" | "message">;

/** In place of a text that got lost: `JSON.stringify` and a spread copy an error's code, not its message. */
const LOST_TEXT = "What happened was said in a text that is not part of this copy of the error.";

/** A `PolicyError` explains itself by its code, in its own words. */
export function explainOwn({ code, hint, message }: OwnError): Explanation {
  const text = message.replace(WRAPPED, "");
  return {
    kind: `policy.${code}`,
    retryable: RETRYABLE[code] ?? "no",
    sentence: withoutHint(text, hint) || LOST_TEXT,
    hint,
    docs: docsUrl(`docs/errors/${code}.md`),
  };
}

function withoutHint(text: string, hint: string): string {
  return hint !== "" && text.endsWith(hint) ? text.slice(0, -hint.length).trimEnd() : text;
}

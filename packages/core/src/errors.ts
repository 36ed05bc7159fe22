import { docsUrl } from "./docs-url.ts";
import type { Explanation } from "./explain/explanation.ts";
import { textAt } from "./explain/face.ts";
import { explainOwn } from "./explain/own-error.ts";

const BRAND = "doorpolicy/error";

/** Stable codes; each has a page under `docs/errors/`. */
export type PolicyErrorCode =
  | "policy/invalid"
  | "policy/unknown-target"
  | "policy/missing-url"
  | "policy/timeout-chain"
  | "url/unsupported"
  | "naming/invalid"
  | "startup/refused"
  | "driver/missing"
  | "driver/native"
  | "driver/second-copy"
  | "driver/unsupported"
  | "options/refused"
  | "connection/acquire-timeout"
  | "connection/pool-ended"
  | "connection/released"
  | "connection/reclaimed"
  | "transaction/ended-by-policy"
  | "transaction/ended-by-server"
  | "transaction/rolled-back-at-commit"
  | "transaction/no-raw-control"
  | "transaction/second-target"
  | "transaction/ended"
  | "transaction/aborted"
  | "transaction/isolation-too-strong"
  | "transaction/no-second-connection"
  | "transaction/outcome-unknown"
  | "statement/outcome-unknown"
  | "unit/unawaited-work"
  | "unit/stalled"
  | "unit/draining"
  | "unit/invalid"
  | "unit/needs-extension"
  | "unit/required-setting"
  | "direct/invalid"
  | "lock/not-acquired"
  | "lock/lost"
  | "lock/in-transaction"
  | "session-state/no-set"
  | "session-state/no-role"
  | "session-state/no-search-path"
  | "session-state/no-set-local-outside-block"
  | "session-state/no-session-lock"
  | "session-state/no-lock-outside-block"
  | "session-state/no-listen"
  | "session-state/no-temp"
  | "session-state/no-held-cursor"
  | "session-state/no-prepare"
  | "session-state/no-discard"
  | "session-state/no-load"
  | "session-state/no-sequence-session"
  | "session-state/pins-connection"
  | "statements/needs-autocommit"
  | "statements/no-named";

export interface PolicyErrorOptions {
  /** One imperative sentence: what to do. */
  readonly hint: string;
  /** The user's own key, where there is one. */
  readonly path?: string;
  /** The driver's error, kept whole. */
  readonly cause?: unknown;
}

/**
 * The one error class of the package family. Recognise it by {@link isPolicyError}, not by
 * `instanceof`: ESM and CJS copies meet in one process.
 */
export class PolicyError extends Error {
  readonly brand: typeof BRAND = BRAND;
  readonly code: PolicyErrorCode;
  readonly hint: string;
  /** The address of the page of its code. */
  readonly docs: string;
  /** The user's own key; no property at all where there is none, so that none is printed. */
  declare readonly path: string | undefined;

  constructor(code: PolicyErrorCode, message: string, options: PolicyErrorOptions) {
    super(
      `${message}${message.endsWith("\n") ? "" : " "}${options.hint}`,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.name = "PolicyError";
    this.code = code;
    this.hint = options.hint;
    if (options.path !== undefined) this.path = options.path;
    this.docs = docsUrl(`docs/errors/${code}.md`);
  }

  /** What `explainError` says of it; made when it is asked for. Neither copied nor printed with the error. */
  get explanation(): Explanation {
    return explainOwn(this);
  }
}

/** True for a `PolicyError` of any copy of this package. Never throws. */
export function isPolicyError(error: unknown): error is PolicyError {
  return typeof error === "object" && error !== null && textAt(error, "brand") === BRAND;
}

import type { Lane, Mode } from "./mode.ts";

/**
 * What was done about a violation.
 *
 * - `"refused"`: the caller got an error; a statement was not sent, a COMMIT that did nothing was no success.
 * - `"rolled-back"`: what was open was undone, or what ran was cancelled.
 * - `"closed"`: the connection was closed, or taken from its holder.
 * - `"translated"`: it was done in another way that the pooler takes.
 * - `"reported"`: nothing; the rule only reports, or what it speaks of has happened already.
 * - `"would-have"`: nothing, because the mode or the rule's `runtime` says report only.
 * - `"allowed"`: nothing, in any mode, because of a written exception (`allow`, `allowing()`); see `reason`.
 */
export type ViolationAction =
  | "rolled-back"
  | "closed"
  | "refused"
  | "translated"
  | "reported"
  | "would-have"
  | "allowed";

/** A diagnostic at run time. Holds no statement literals and no secret. */
export interface Violation {
  /** The rule's id, such as `transaction/left-open`. */
  readonly rule: string;
  readonly action: ViolationAction;
  readonly mode: Mode;
  readonly target: string;
  readonly lane: Lane;
  /** `application_name` of the connection. */
  readonly connectionName: string;
  readonly message: string;
  readonly help: string;
  /** Why the written exception that covers it was made; absent where none does. `message` ends with it too. */
  readonly reason?: string;
  /** How long the connection was held or the block was open, in milliseconds. */
  readonly heldMs?: number;
  /** Stack of whoever took the connection or opened the block. */
  readonly openedBy?: string;
  /** The last statement, with its literals replaced. */
  readonly statement?: string;
  /** `performance.timeOrigin`-independent wall clock, in milliseconds since the epoch. */
  readonly at: number;
}

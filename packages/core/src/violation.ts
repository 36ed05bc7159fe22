import type { Lane, Mode } from "./mode.ts";

/** What was done about a violation. `"would-have"`: nothing, because the mode or the rule says report only. */
export type ViolationAction =
  | "rolled-back"
  | "closed"
  | "refused"
  | "translated"
  | "reported"
  | "would-have";

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
  /** How long the connection was held or the block was open, in milliseconds. */
  readonly heldMs?: number;
  /** Stack of whoever took the connection or opened the block. */
  readonly openedBy?: string;
  /** The last statement, with its literals replaced. */
  readonly statement?: string;
  /** `performance.timeOrigin`-independent wall clock, in milliseconds since the epoch. */
  readonly at: number;
}

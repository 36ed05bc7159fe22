import type { Capability } from "../capability.ts";

/** Where a statement is about to run: all that its verdict depends on beside its text. */
export interface StatementSituation {
  /** What the lane can do. With `session-state` there is nothing to judge. */
  readonly has: (capability: Capability) => boolean;
  /** The text whose effects are judged. */
  readonly text: string;
  /** An open block, whoever has begun it: `BEGIN`, an ORM's own, or `transaction()`. */
  readonly isInBlock: boolean;
  /**
   * Outside of the application's own blocks, but each statement travels in one of the driver's, as in a
   * `unitOfWork({ setLocal })`.
   *
   * @default false
   */
  readonly isWrapped?: boolean;
  /** The bound values, for what the text leaves to them: `set_config($1, $2, $3)`. */
  readonly values?: readonly unknown[] | undefined;
  /**
   * The statement has a name in the protocol (`query({ name })`), which stays on the server connection.
   *
   * @default false
   */
  readonly isNamed?: boolean;
}

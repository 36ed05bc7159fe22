import type { StatementRule } from "../statement-rule.ts";

/**
 * `pg_advisory_xact_lock()` and its kin outside of a block. Only a warning: a statement that takes the
 * lock and does its work itself is right, as queues do it (`update … where pg_try_advisory_xact_lock(id)`).
 * `LOCK TABLE` there is refused by Postgres (25P01).
 */
export const noLockOutsideBlock: StatementRule = {
  id: "session-state/no-lock-outside-block",
  level: "warn",
  judge(effect, where) {
    if (effect.kind !== "transaction-lock" || where.isFollowed(effect)) return undefined;
    if (!effect.call.startsWith("pg_")) return undefined;
    return {
      message:
        "A lock of the transaction is freed with its own statement outside of a block: the statements that follow run without it.",
      help: "Take it inside `transaction()`.",
    };
  },
};

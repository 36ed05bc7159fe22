import type { StatementRule } from "../statement-rule.ts";

/** Advisory locks of the session, and their unlocking, inside a block as outside: COMMIT keeps them. */
export const noSessionLock: StatementRule = {
  id: "session-state/no-session-lock",
  judge(effect, where) {
    if (where.pins(effect)) return undefined;
    const help =
      "Use `pg_advisory_xact_lock()` inside `transaction()`, or `withAdvisoryLock()`, which takes it on the direct lane.";
    if (effect.kind === "session-lock") {
      return {
        message: `The lock ${where.fate(
          "it is not this client who holds it, and whoever asks for it waits until that connection is closed",
          "this client goes on without it",
        )}.`,
        help,
      };
    }
    if (effect.kind === "session-unlock") {
      return {
        message:
          "The unlocking runs on whichever server connection comes next: it answers false, or frees another client's lock.",
        help,
      };
    }
    return undefined;
  },
};

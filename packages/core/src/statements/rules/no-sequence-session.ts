import type { StatementRule } from "../statement-rule.ts";

/** What draws a number by the default of a column. */
const INSERTING: readonly string[] = ["insert", "merge"];

/**
 * `currval()` and `lastval()` outside of a block: they answer what the server connection did last. A statement
 * that draws a number itself, or inserts, reads its own and is left alone.
 */
export const noSequenceSession: StatementRule = {
  id: "session-state/no-sequence-session",
  judge(effect, where) {
    if (effect.kind !== "sequence-read" || where.isInBlock) return undefined;
    if (where.effects.some(({ kind }) => kind === "sequence") || where.names(INSERTING))
      return undefined;
    return {
      message: `\`${effect.call}()\` outside of a block answers what this server connection did last: another client's number, or none (55000).`,
      help: "Use `INSERT … RETURNING`, or insert and read inside one `transaction()`.",
    };
  },
};

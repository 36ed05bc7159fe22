import type { StatementRule, Where } from "../statement-rule.ts";

/**
 * `currval()` and `lastval()` outside of a block: they answer what the server connection did last. A statement
 * that draws a number itself, inserts, or updates to a default is left alone, as it may read its own: whether it
 * is of the same sequence, and drawn before, is not looked at.
 */
export const noSequenceSession: StatementRule = {
  id: "session-state/no-sequence-session",
  judge(effect, where) {
    if (effect.kind !== "sequence-read" || where.isInBlock) return undefined;
    if (where.effects.some(({ kind }) => kind === "sequence") || drawsByDefault(where))
      return undefined;
    return {
      message: `\`${effect.call}()\` outside of a block answers what this server connection did last: another client's number, or none (55000).`,
      help: "Use `INSERT … RETURNING`, or insert and read inside one `transaction()`.",
    };
  },
};

/** Whether the default of a column may draw a number. */
function drawsByDefault(where: Where): boolean {
  return where.names(["insert", "merge"]) || (where.names(["update"]) && where.names(["default"]));
}

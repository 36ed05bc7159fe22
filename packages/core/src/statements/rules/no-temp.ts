import type { StatementRule } from "../statement-rule.ts";

/**
 * Temporary tables, views and sequences. Those that COMMIT does not drop outlive their block; those that
 * it does are gone before anybody can use them outside of one.
 */
export const noTemp: StatementRule = {
  id: "session-state/no-temp",
  judge(effect, where) {
    if (effect.kind !== "temp" || where.pins(effect)) return undefined;
    if (effect.isDroppedOnCommit) {
      if (where.isFollowed(effect)) return undefined;
      return {
        message:
          "A temporary table with ON COMMIT DROP is dropped at the end of its own statement outside of a block: the statements that follow do not find it (42P01).",
        help: "Create it and use it inside one `transaction()`.",
      };
    }
    return {
      message: `A temporary object that COMMIT does not drop ${where.fate(
        "they meet it under its name (42P07), and this client does not find it again (42P01)",
        "this client's next statement does not find it (42P01)",
      )}.`,
      help: "Create a temporary table `ON COMMIT DROP` inside `transaction()`, or use a common table expression.",
    };
  },
};

import type { StatementRule } from "../statement-rule.ts";

/** `DECLARE … WITH HOLD`. A cursor without it ends with its block, and Postgres refuses it outside (25P01). */
export const noHeldCursor: StatementRule = {
  id: "session-state/no-held-cursor",
  judge(effect, where) {
    if (effect.kind !== "cursor" || !effect.isHeld || where.pins(effect)) return undefined;
    return {
      message: `A cursor that is held beyond its transaction ${where.fate(
        "they can read its rows and meet its name (42P03), and this client does not find it again (34000)",
        "this client's next statement does not find it (34000)",
      )}.`,
      help: "Declare it without `WITH HOLD` and read it inside one `transaction()`.",
    };
  },
};

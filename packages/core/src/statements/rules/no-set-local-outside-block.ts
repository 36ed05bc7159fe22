import type { StatementRule } from "../statement-rule.ts";

/**
 * What holds for a transaction, outside of one: `SET LOCAL`, `set_config(…, true)`, `SET TRANSACTION`,
 * `SET CONSTRAINTS`. Postgres answers with a warning that nobody sees, or with none at all. In a text of several
 * statements it holds for those behind it, and does nothing where only settings are.
 */
export const noSetLocalOutsideBlock: StatementRule = {
  id: "session-state/no-set-local-outside-block",
  judge(effect, where) {
    if (where.isFollowed(effect)) return undefined;
    if (effect.kind === "set-transaction") {
      return {
        message:
          "Modes and constraints of a transaction hold for nothing outside of one: Postgres answers with a warning only, and the statements that follow run without them.",
        help: "Set them inside `transaction()`, or give it `isolation` and `readOnly`.",
      };
    }
    if (where.setting(effect)?.scope !== "transaction") return undefined;
    return {
      message:
        "A setting that holds for a transaction ends with its own statement outside of one: the statements that follow run without it.",
      help: "Give it to `transaction({ setLocal })` or `unitOfWork({ setLocal })`.",
    };
  },
};

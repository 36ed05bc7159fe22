import type { StatementRule } from "../statement-rule.ts";

/** `DISCARD` of any kind. */
export const noDiscard: StatementRule = {
  id: "session-state/no-discard",
  judge(effect, where) {
    if (effect.kind !== "discard" || where.pins(effect)) return undefined;
    return {
      message: `\`DISCARD ${effect.what.toUpperCase()}\` cleans whichever server connection it hits: what other clients have there is gone, and this client's own next one is as it was.`,
      help: "Remove it: behind the pooler there is no session to clean up.",
    };
  },
};

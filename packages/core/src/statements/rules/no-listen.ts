import type { StatementRule } from "../statement-rule.ts";

/** `LISTEN` and `UNLISTEN`, inside a block as outside. `NOTIFY` is left alone. */
export const noListen: StatementRule = {
  id: "session-state/no-listen",
  judge(effect, where) {
    if ((effect.kind !== "listen" && effect.kind !== "unlisten") || where.pins(effect))
      return undefined;
    return {
      message:
        effect.kind === "listen"
          ? `The \`LISTEN\` ${where.fate(
              "notifications go to them or to nobody, without an error",
              "no notification ever arrives",
            )}.`
          : "The `UNLISTEN` runs on whichever server connection comes next, and ends what another client has begun there.",
      help: "Use `listen()`, which has a connection of its own on the direct lane; `NOTIFY` may stay as it is.",
    };
  },
};

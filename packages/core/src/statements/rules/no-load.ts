import type { StatementRule } from "../statement-rule.ts";

/** `LOAD` of a library. */
export const noLoad: StatementRule = {
  id: "session-state/no-load",
  judge(effect, where) {
    if (effect.kind !== "load" || where.pins(effect)) return undefined;
    return {
      // A reset leaves it: a library cannot be unloaded.
      message:
        "A library that is loaded stays in a server connection that other clients use next: it works for them, and may not for this client's next statement.",
      help: "Name it in `session_preload_libraries` with `ALTER ROLE … SET`, or load it on the direct lane.",
    };
  },
};

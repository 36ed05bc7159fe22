import type { StatementRule } from "../statement-rule.ts";

const ROLES: ReadonlySet<string> = new Set(["role", "session_authorization"]);

/** `SET ROLE` and `SET SESSION AUTHORIZATION` for the session, their `RESET`, and `set_config('role', …, false)`. */
export const noRole: StatementRule = {
  id: "session-state/no-role",
  judge(effect, where) {
    const setting = where.setting(effect);
    if (setting?.parameter === undefined || !ROLES.has(setting.parameter)) return undefined;
    if (setting.scope === "transaction" || where.pins(effect)) return undefined;
    if (where.has(`tracks-parameter:${setting.parameter}`)) return undefined;
    return {
      message: `The role that the session takes ${where.fate(
        "they act with its rights",
        "this client's next statement runs with other rights",
      )}.`,
      help: "Use `SET LOCAL ROLE` inside `transaction()`, or connect as that role.",
      level: where.levelOf(setting),
    };
  },
};

import type { StatementRule } from "../statement-rule.ts";

/** `search_path` for the session. PgBouncer follows it only where Postgres reports it (18 and later). */
export const noSearchPath: StatementRule = {
  id: "session-state/no-search-path",
  judge(effect, where) {
    const setting = where.setting(effect);
    if (setting?.parameter !== "search_path" || setting.scope === "transaction") return undefined;
    if (where.pins(effect) || where.follows(setting)) return undefined;
    return {
      message: `The \`search_path\` ${where.fate(
        "their tables are looked for in another schema, and this client's next statement may not find its own",
        "this client's next statement looks for its tables elsewhere",
      )}.`,
      help: "Qualify names with their schema, use `transaction({ setLocal: { search_path } })`, or `ALTER ROLE … SET search_path`.",
      level: where.levelOf(setting),
    };
  },
};

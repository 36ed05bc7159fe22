import type { StatementRule } from "../statement-rule.ts";

/**
 * Prepared statements of SQL: `PREPARE`, `EXECUTE`, `DEALLOCATE`. No PgBouncer tracks these, only those of
 * the protocol; `DEALLOCATE ALL` is understood since 1.22 for its own.
 */
export const noPrepare: StatementRule = {
  id: "session-state/no-prepare",
  judge(effect, where) {
    if (where.pins(effect) || where.has("tracks-sql-prepare")) return undefined;
    const help =
      "Send the statement with bound values instead: the driver prepares it for each run.";
    switch (effect.kind) {
      case "prepare":
        return {
          // Odyssey's reset leaves it (measured with 1.5.2).
          message:
            "A statement that SQL prepares stays on a server connection that other clients use next: they meet it under its name (42P05), and this client may not find it again (26000).",
          help,
        };
      case "execute":
        return {
          message:
            "The prepared statement is looked for on whichever server connection comes next: it is missing there (26000), or is another client's of the same name.",
          help,
        };
      case "deallocate":
        if (effect.isAll && where.has("tracks-deallocate-all")) return undefined;
        return {
          message: effect.isAll
            ? "`DEALLOCATE ALL` drops the prepared statements of other clients on the server connection that it hits: theirs fail (26000)."
            : "The `DEALLOCATE` runs on whichever server connection comes next: it finds nothing there (26000), or drops another client's statement.",
          help: "Remove it: a statement with bound values leaves nothing behind.",
        };
      default:
        return undefined;
    }
  },
};

import { titleOfPooler } from "../pooler.ts";
import type { Rule } from "../rule.ts";

/**
 * A named statement lives on one server connection, and the next transaction gets another one:
 * `prepared statement "s0" already exists` (42P05) or `does not exist` (26000), at random.
 */
export const noNamed: Rule = {
  id: "statements/no-named",
  severity: "error",
  atRuntime: true,
  *check({ namedStatements: { value, path } }, { has, target }) {
    if (!value || has("tracks-named-statements")) return;
    yield {
      message: `Statements get names, and ${titleOfPooler(target.pooler)} does not carry them from one server connection to the next: they fail at random with 42P05 or 26000.`,
      help: "Remove the names, or declare a pooler that tracks them (`pooler.version`, `pooler.settings.maxPreparedStatements`).",
      path,
    };
  },
};

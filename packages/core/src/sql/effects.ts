import type { Effects } from "./effect.ts";
import { EffectList } from "./effects/effect-list.ts";
import { readStatement } from "./effects/read-statement.ts";
import { StatementCursor } from "./effects/statement-cursor.ts";
import { isOrdinary } from "./ordinary.ts";

/** What nearly every text gives. */
export const ORDINARY: Effects = Object.freeze({ effects: Object.freeze([]), statements: 1 });

/**
 * What the statements of a text do to the session that runs them, as far as the text shows it: each
 * effect that PostgreSQL 14 to 18 would have when it runs all of it. It errs on the side of an effect: a
 * query that finds no row calls no function, and a `CASE` may leave one out.
 *
 * Not shown are what functions, procedures, rules, triggers, views and prepared statements do inside, and
 * what a `CREATE VIEW` over a temporary table makes of itself. Functions of extensions are no exception, not
 * even those that are made to set something: `set_limit()` of `pg_trgm`, `dblink_connect()`. A function whose name is not known is
 * `opaque`: one of another schema than `pg_catalog` and `information_schema`, or one without a schema whose
 * name is none of about 700 built-in functions and functions of common extensions. A list of all 2,700 names
 * of `pg_proc` would cost each import more than the difference is worth, since such calls are only counted.
 * One that is called as a field, `(a).f`, is not `opaque`, since a column is meant nearly always.
 * What is defined is not called: `CREATE FUNCTION`, `VIEW`, `RULE`, the defaults of a new table. Neither is
 * what `PREPARE` prepares, or `EXPLAIN` without `ANALYZE` explains.
 *
 * A text is read with `standard_conforming_strings = on`, as {@link Lexer} reads it. One that PostgreSQL
 * refuses to parse runs nothing, and what is said of it means nothing. `DISCARD ALL`, refused inside a block
 * as well, gives `discard` alone, and two-phase commit `transaction-control`.
 *
 * Results are frozen; all texts of one statement without an effect share one. Never throws, and takes time
 * linear in the length of the text: for ordinary queries one look at each character, without a token.
 */
export function effectsOf(text: string): Effects {
  if (isOrdinary(text)) return ORDINARY;
  const found = new EffectList();
  const cursor = new StatementCursor(text, found);
  while (cursor.goToStatement()) {
    found.beginStatement();
    readStatement(cursor);
  }
  const effects = found.inOrder();
  const statements = found.statement + 1;
  return statements === 1 && effects.length === 0
    ? ORDINARY
    : Object.freeze({ effects, statements });
}

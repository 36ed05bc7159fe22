import { isOneOf } from "./is-one-of.ts";
import type { StatementCursor } from "./statement-cursor.ts";

/** Behind a `WITH` that begins no list: types, options and operators have one, too. */
const OTHER_WITH: ReadonlySet<string> = new Set(
  "ordinality time ties no data unique wrapper conditional unconditional array operator".split(" "),
);

/**
 * What may stand behind a column that is called `with` (`SELECT 1 AS with FROM t`). All are reserved, and none
 * is the name of a query.
 */
const BEHIND_COLUMN: ReadonlySet<string> = new Set(
  "from into where group having window union intersect except order limit offset fetch for".split(
    " ",
  ),
);

/**
 * Follows the lists of `WITH` in a statement, in which `name (columns)` calls nothing. Where it is in doubt it
 * takes a list to be over: a call that is taken for columns would be missed.
 */
export class WithLists {
  private readonly cursor: StatementCursor;
  /** Depths at which a list has begun, and its statement not yet. */
  private readonly depths: number[] = [];

  constructor(cursor: StatementCursor) {
    this.cursor = cursor;
  }

  /** Whether a comma that was read just now stands between two queries of a list. */
  get isBetween(): boolean {
    return this.depths.at(-1) === this.cursor.depth;
  }

  /** Takes a word into account that was read just now. */
  see(word: string): void {
    const { cursor, depths } = this;
    const { depth } = cursor;
    if (word === "with") {
      const next = cursor.word();
      const isList = cursor.isName && !OTHER_WITH.has(next) && !BEHIND_COLUMN.has(next);
      if (isList && depths.at(-1) !== depth) depths.push(depth);
    } else if (isOneOf(word, "select", "insert", "update", "delete", "merge", "values", "table")) {
      while ((depths.at(-1) ?? -1) >= depth) depths.pop();
    }
  }

  /**
   * Takes the token behind a `)` into account, on which the cursor stands: a list goes on with a comma, or
   * with the query behind the columns. `SEARCH` and `CYCLE`, and a statement in parentheses, end it here.
   */
  seeBehindParenthesis(): void {
    const { cursor } = this;
    if (this.isBetween && !cursor.isAtSign(",") && !cursor.isAt("as")) this.depths.pop();
  }
}

import { isOneOf } from "./is-one-of.ts";
import { type StatementCursor, UNREADABLE } from "./statement-cursor.ts";

/** What may stand behind the table of `SELECT … INTO`; all are reserved, so that none is its name. */
const BEHIND_INTO: ReadonlySet<string> = new Set(
  "from where group having window union intersect except order limit offset fetch for".split(" "),
);

/** Notes the table that `SELECT … INTO` makes, if it is a temporary one; stands behind `INTO`. */
export function noteSelectInto(cursor: StatementCursor): void {
  const at = cursor.start;
  const isTemporary = acceptTemporary(cursor);
  cursor.accept("table");
  noteTemporary(cursor, cursor.qualifiedName(), { at, isTemporary, isDroppedOnCommit: false });
}

/**
 * Goes past `TEMP` or `TEMPORARY`, with `LOCAL` or `GLOBAL` before it, unless it is the table's own
 * name, as in `SELECT 1 INTO temp FROM t`.
 */
function acceptTemporary(cursor: StatementCursor): boolean {
  const isScoped = isOneOf(cursor.word(), "local", "global");
  const ahead = cursor.ahead();
  if (isScoped) return isOneOf(ahead, "temp", "temporary") && skip(cursor, 2);
  if (!isOneOf(cursor.word(), "temp", "temporary")) return false;
  return ahead !== undefined && !BEHIND_INTO.has(ahead) && skip(cursor, 1);
}

function skip(cursor: StatementCursor, words: number): true {
  for (let count = 0; count < words; count++) cursor.skip();
  return true;
}

/** What is made, as far as its words say. */
export interface Made {
  /** Offset of the word that shows it. */
  readonly at: number;
  readonly isTemporary: boolean;
  readonly isDroppedOnCommit: boolean;
}

/** Notes what is made under a name when it is temporary: by a word, or by the schema it is put in. */
export function noteTemporary(
  cursor: StatementCursor,
  names: readonly string[],
  { at, isDroppedOnCommit, isTemporary }: Made,
): void {
  if (!isTemporary && !isTemporarySchema(names)) return;
  cursor.note(at, { kind: "temp", name: names.at(-1) ?? "", isDroppedOnCommit });
}

/**
 * Whether a name is qualified with the session's own schema, by its alias or, as `pg_temp_3`, by itself, or
 * with one that may be.
 */
function isTemporarySchema(names: readonly string[]): boolean {
  const schema = names.at(-2);
  return schema === UNREADABLE || (schema !== undefined && /^pg_temp(?:_\d+)?$/.test(schema));
}

/**
 * Notes an `UPDATE` of `pg_settings`, or of what may be called so: a rule makes a `set_config(…, false)` of it for each row. Stands
 * behind `UPDATE`.
 */
export function noteUpdate(cursor: StatementCursor, at: number): void {
  if (cursor.accept("only")) cursor.acceptSign("(");
  if (!cursor.isName || isOneOf(cursor.word(), "set", "of")) return;
  const names = cursor.qualifiedName();
  const isCatalog = names.length === 1 || isOneOf(names.at(-2), "pg_catalog", UNREADABLE);
  if (!isCatalog || !isOneOf(names.at(-1), "pg_settings", UNREADABLE)) return;
  cursor.note(at, { kind: "set", parameter: undefined, scope: "session", by: "update" });
}

import { readCalls } from "./calls.ts";
import { noteAutocommit } from "./autocommit.ts";
import { noteTemporary } from "./query-effects.ts";
import type { StatementCursor } from "./statement-cursor.ts";

/** What may stand between `CREATE` and the kind of what is made. */
const MODIFIERS: ReadonlySet<string> = new Set(
  `or replace local global temp temporary unlogged unique recursive materialized foreign default trusted procedural
  constraint event`.split(/\s+/),
);

/** What can be put into `pg_temp`, the schema that goes with the session. */
const IN_SCHEMAS: ReadonlySet<string> = new Set(
  "table view sequence function procedure aggregate type domain collation conversion statistics".split(
    " ",
  ),
);

/** Notes what a `CREATE` does; stands behind it. What it defines runs later, if ever. */
export function readCreate(cursor: StatementCursor, at: number): void {
  const modifiers = new Set<string>();
  for (; MODIFIERS.has(cursor.word()); cursor.skip()) modifiers.add(cursor.word());
  const kind = cursor.word();
  cursor.skip();
  if (!IN_SCHEMAS.has(kind)) {
    noteAutocommit(cursor, at, "CREATE", kind);
    return;
  }
  acceptIfNotExists(cursor);
  const made = {
    at,
    isTemporary: modifiers.has("temp") || modifiers.has("temporary"),
    isDroppedOnCommit: false,
  };
  if (kind === "table") readTable(cursor, made);
  else noteTemporary(cursor, cursor.qualifiedName(), made);
  // A view's query runs when the view is read, that of a materialized one at once.
  if (modifiers.has("materialized")) readCalls(cursor);
}

/** Reads a table up to the query that fills it, and that query. */
function readTable(
  cursor: StatementCursor,
  made: { readonly at: number; readonly isTemporary: boolean },
): void {
  const names = cursor.qualifiedName();
  let isDroppedOnCommit = false;
  let isQuery = false;
  while (!cursor.isAtEnd && !isQuery) {
    if (cursor.isAtSign("(")) cursor.skipParentheses();
    else if (cursor.accept("as")) isQuery = true;
    else if (cursor.accept("on")) {
      isDroppedOnCommit ||= cursor.accept("commit") && cursor.accept("drop");
    } else if (cursor.accept("for")) readBounds(cursor);
    else cursor.skip();
  }
  noteTemporary(cursor, names, { ...made, isDroppedOnCommit });
  if (cursor.isAt("execute")) readExecute(cursor, cursor.start);
  else readCalls(cursor);
}

/** The bounds of a partition are computed at once. Behind them stand `PARTITION BY` and options. */
function readBounds(cursor: StatementCursor): void {
  readCalls(
    cursor,
    () =>
      cursor.depth === 0 && (cursor.isAt("partition") || cursor.isAt("on") || cursor.isAt("using")),
  );
}

/** Notes the prepared statement that `EXECUTE` runs; stands on that word. Its arguments are computed. */
export function readExecute(cursor: StatementCursor, at: number): void {
  cursor.skip();
  cursor.note(at, { kind: "execute", name: cursor.name() });
  readCalls(cursor);
}

function acceptIfNotExists(cursor: StatementCursor): void {
  if (!cursor.isAt("if") || cursor.ahead() !== "not") return;
  cursor.skip();
  cursor.skip();
  cursor.accept("exists");
}

/** Notes what an `ALTER` does; stands behind it. */
export function readAlter(cursor: StatementCursor, at: number): void {
  cursor.accept("foreign");
  const kind = cursor.word();
  cursor.skip();
  // New columns, types and checks are computed for the rows that are there.
  if (kind === "table" || kind === "domain") readAlterTable(cursor, at);
  else noteAutocommit(cursor, at, "ALTER", kind);
}

/** `DETACH PARTITION … CONCURRENTLY` may stand in no block. */
function readAlterTable(cursor: StatementCursor, at: number): void {
  acceptIfExists(cursor);
  cursor.accept("only");
  cursor.qualifiedName();
  cursor.acceptSign("*");
  if (!cursor.accept("detach")) {
    readCalls(cursor);
    return;
  }
  cursor.accept("partition");
  cursor.qualifiedName();
  if (!cursor.accept("concurrently")) return;
  cursor.note(at, {
    kind: "needs-autocommit",
    command: "ALTER TABLE DETACH PARTITION CONCURRENTLY",
  });
}

function acceptIfExists(cursor: StatementCursor): void {
  if (!cursor.isAt("if") || cursor.ahead() !== "exists") return;
  cursor.skip();
  cursor.skip();
}

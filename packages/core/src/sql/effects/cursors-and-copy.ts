import { readCalls } from "./calls.ts";
import type { StatementCursor } from "./statement-cursor.ts";

/**
 * Notes a `DECLARE` and what its query does, which runs with each FETCH: of those, the text shows
 * nothing. Stands behind `DECLARE`.
 */
export function readDeclare(cursor: StatementCursor, at: number): void {
  const name = cursor.name();
  let isHeld = false;
  while (!cursor.isAtEnd && !cursor.accept("for")) {
    if (cursor.accept("with")) isHeld = cursor.isAt("hold");
    else cursor.skip();
  }
  cursor.note(at, { kind: "cursor", name, isHeld });
  readCalls(cursor);
}

/** Notes the cursor of a `FETCH`, `MOVE` or `CLOSE`, whose name is its last word; stands behind that one. */
export function readFetch(cursor: StatementCursor, at: number): void {
  let name = "";
  while (!cursor.isAtEnd) {
    if (cursor.isName) name = cursor.name();
    else cursor.skip();
  }
  cursor.note(at, { kind: "fetch", name });
}

/** Notes a `COPY` over the connection, and what its query or its `WHERE` does; stands behind `COPY`. */
export function readCopy(cursor: StatementCursor, at: number): void {
  if (cursor.isAtSign("(")) {
    readCalls(cursor, () => cursor.depth === 0 && isDirection(cursor));
  } else {
    if (cursor.isAt("binary") && cursor.ahead() !== undefined && !isDirectionWord(cursor.ahead())) {
      cursor.skip();
    }
    cursor.qualifiedName();
    if (cursor.isAtSign("(")) cursor.skipParentheses();
  }
  if (cursor.acceptOneOf("from", "to") !== undefined) {
    const isOverConnection = cursor.acceptOneOf("stdin", "stdout") !== undefined;
    if (isOverConnection) cursor.note(at, { kind: "copy" });
  }
  // Of its options none is computed.
  while (!cursor.isAtEnd && !cursor.accept("where")) {
    if (cursor.isAtSign("(")) cursor.skipParentheses();
    else cursor.skip();
  }
  readCalls(cursor);
}

function isDirection(cursor: StatementCursor): boolean {
  return isDirectionWord(cursor.word());
}

function isDirectionWord(word: string | undefined): boolean {
  return word === "from" || word === "to";
}

import { Phrase } from "../phrase.ts";
import { hasOption, noteAutocommit, readCluster, readReindex } from "./autocommit.ts";
import { readCalls } from "./calls.ts";
import { readAlter, readCreate, readExecute } from "./definitions.ts";
import { readCopy, readDeclare, readFetch } from "./cursors-and-copy.ts";
import { readReset, readSet } from "./settings.ts";
import type { StatementCursor } from "./statement-cursor.ts";

type Reader = (cursor: StatementCursor, at: number) => void;

/** Each stands behind the first word of its statement, which stood at `at`. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["set", readSet],
  ["reset", readReset],
  ...["begin", "commit", "end", "rollback", "abort", "savepoint", "release"].map(
    (word): [string, Reader] => [word, noteControl],
  ),
  ["start", (cursor, at) => cursor.isAt("transaction") && noteControl(cursor, at)],
  ["prepare", readPrepare],
  ["deallocate", readDeallocate],
  ["discard", readDiscard],
  ["load", (cursor, at) => cursor.note(at, { kind: "load" })],
  ["listen", (cursor, at) => cursor.note(at, { kind: "listen", channel: cursor.name() })],
  ["notify", (cursor, at) => cursor.note(at, { kind: "notify", channel: cursor.name() })],
  ["unlisten", readUnlisten],
  ["declare", readDeclare],
  ["fetch", readFetch],
  ["move", readFetch],
  ["close", readFetch],
  ["lock", (cursor, at) => cursor.note(at, { kind: "transaction-lock", call: "lock" })],
  ["copy", readCopy],
  ["do", (cursor, at) => cursor.note(at, { kind: "opaque", by: "do", name: "do" })],
  ["call", readProcedureCall],
  ["explain", readExplain],
  ["create", readCreate],
  ["alter", readAlter],
  ["drop", readDrop],
  ["vacuum", (cursor, at) => cursor.note(at, { kind: "needs-autocommit", command: "VACUUM" })],
  ["reindex", readReindex],
  ["cluster", readCluster],
]);

/** Statements that run no expression, or none before later. */
const WITHOUT_EXPRESSIONS: ReadonlySet<string> = new Set(
  `analyse analyze checkpoint comment grant import reassign refresh revoke security show truncate`.split(
    /\s+/,
  ),
);

/** Notes the effects of the statement that the cursor stands on, and goes to its end. */
export function readStatement(cursor: StatementCursor): void {
  const at = cursor.start;
  const word = cursor.word();
  if (word === "execute") readExecute(cursor, at);
  else {
    const reader = READERS.get(word);
    if (reader === undefined) {
      // A statement that is not known is read as a query: nothing that it shows is missed.
      if (!WITHOUT_EXPRESSIONS.has(word)) readCalls(cursor);
    } else {
      cursor.skip();
      reader(cursor, at);
    }
  }
  cursor.skipRest();
}

function noteControl(cursor: StatementCursor, at: number): void {
  cursor.note(at, { kind: "transaction-control" });
}

/** `PREPARE transaction AS …` prepares a statement of that name. What is prepared runs later. */
function readPrepare(cursor: StatementCursor, at: number): void {
  const ahead = new Phrase(cursor.text, cursor.start);
  if (ahead.accept("transaction") && ahead.acceptString()) noteControl(cursor, at);
  else cursor.note(at, { kind: "prepare", name: cursor.name() });
}

function readDeallocate(cursor: StatementCursor, at: number): void {
  if (cursor.isAt("prepare") && cursor.ahead() !== undefined) cursor.skip();
  // With quotes it is a statement of that name.
  const isAll = cursor.isAt("all");
  cursor.note(at, { kind: "deallocate", name: cursor.name(), isAll });
}

function readDiscard(cursor: StatementCursor, at: number): void {
  const what = cursor.acceptOneOf("all", "plans", "sequences", "temp", "temporary");
  if (what === undefined) return;
  cursor.note(at, { kind: "discard", what: what === "temporary" ? "temp" : what });
}

function readUnlisten(cursor: StatementCursor, at: number): void {
  cursor.note(at, { kind: "unlisten", channel: cursor.acceptSign("*") ? "*" : cursor.name() });
}

/** The arguments of a procedure are computed as those of a function. */
function readProcedureCall(cursor: StatementCursor, at: number): void {
  const name = cursor.qualifiedName().join(".");
  cursor.note(at, { kind: "opaque", by: "call", name });
  readCalls(cursor);
}

function readDrop(cursor: StatementCursor, at: number): void {
  const kind = cursor.word();
  cursor.skip();
  noteAutocommit(cursor, at, "DROP", kind);
}

/**
 * Without `ANALYZE` nothing runs but the arguments of `EXECUTE`, which needs its prepared statement to
 * show a plan; with it, all but `DECLARE`, whose query runs without a cursor.
 */
function readExplain(cursor: StatementCursor): void {
  let isRun = false;
  if (cursor.isAtSign("(") && !isQueryAhead(cursor))
    isRun = hasOption(cursor, "analyze", "analyse");
  else {
    isRun = cursor.acceptOneOf("analyze", "analyse") !== undefined;
    cursor.accept("verbose");
  }
  const at = cursor.start;
  if (cursor.isAt("execute")) readExecute(cursor, at);
  else if (isRun && cursor.accept("create")) readCreate(cursor, at);
  else if (isRun) readCalls(cursor);
}

function isQueryAhead(cursor: StatementCursor): boolean {
  return /^(?:select|with|values|table|\()$/i.test(cursor.tokenAhead());
}

import type { SettingScope } from "../effect.ts";
import { CLIENT_ENCODING, isOfReading, isReadAsShown } from "../reading.ts";
import { readTransactionModes } from "../transaction-modes.ts";
import { type StatementCursor, UNREADABLE } from "./statement-cursor.ts";

/** What `SET SESSION CHARACTERISTICS AS TRANSACTION` sets, by the mode it names. */
const DEFAULTS_OF_MODES = {
  isolation: "default_transaction_isolation",
  readOnly: "default_transaction_read_only",
  deferrable: "default_transaction_deferrable",
} as const;

/** Notes what a `SET` does, the grammar's `VariableSetStmt` and `ConstraintsSetStmt`; stands behind `SET`. */
export function readSet(cursor: StatementCursor, at: number): void {
  let scope: SettingScope = "session";
  let isBare = true;
  if (!isAssigned(cursor)) {
    const word = cursor.acceptOneOf("local", "session");
    if (word === "local") scope = "transaction";
    isBare = word === undefined;
    // `SESSION` is a word of its own as well: `SET SESSION AUTHORIZATION`, `SET LOCAL SESSION AUTHORIZATION`.
    if (word === "session" && readSession(cursor, at, scope)) return;
    if (!isAssigned(cursor) && cursor.accept("session")) {
      readSession(cursor, at, scope);
      return;
    }
  }
  if (isAssigned(cursor)) {
    noteNamed(cursor, at, scope);
    return;
  }
  if (cursor.accept("transaction") || (isBare && cursor.accept("constraints"))) {
    cursor.note(at, { kind: "set-transaction" });
    return;
  }
  const parameter = acceptSpelling(cursor);
  if (parameter === undefined) noteNamed(cursor, at, scope);
  else noteParameter(cursor, at, parameter, scope);
}

/** Notes what a `RESET` does; stands behind it. */
export function readReset(cursor: StatementCursor, at: number): void {
  if (!cursor.isName) return;
  const parameter = readResetName(cursor);
  cursor.note(at, {
    kind: "set",
    parameter,
    scope: "session",
    by: "reset",
    // The default is what the database or the role says.
    ...(isOfReading(parameter) && { isReadable: false }),
  });
}

function readResetName(cursor: StatementCursor): string | undefined {
  switch (cursor.ahead()) {
    case "zone":
      if (cursor.isAt("time")) return "timezone";
      break;
    case "isolation":
      if (cursor.isAt("transaction")) return "transaction_isolation";
      break;
    case "authorization":
      if (cursor.isAt("session")) return "session_authorization";
      break;
    default:
      break;
  }
  return variableName(cursor);
}

/** `AUTHORIZATION` or `CHARACTERISTICS`, behind `SESSION`. */
function readSession(cursor: StatementCursor, at: number, scope: SettingScope): boolean {
  if (isAssigned(cursor)) return false;
  if (cursor.accept("authorization")) {
    noteParameter(cursor, at, "session_authorization", scope);
    return true;
  }
  if (!cursor.accept("characteristics")) return false;
  cursor.accept("as");
  cursor.accept("transaction");
  const modes = readTransactionModes(cursor);
  for (const [mode, parameter] of Object.entries(DEFAULTS_OF_MODES)) {
    if (mode in modes) noteParameter(cursor, at, parameter, scope);
  }
  return true;
}

/** What has a spelling of its own, by the parameter that it sets. */
function acceptSpelling(cursor: StatementCursor): string | undefined {
  switch (cursor.acceptOneOf("time", "role", "schema", "names", "xml")) {
    case "time":
      return "timezone";
    case "role":
      return "role";
    case "schema":
      return "search_path";
    case "names":
      return CLIENT_ENCODING;
    case "xml":
      return "xmloption";
    default:
      return undefined;
  }
}

/** Whether the word that stands here is the name of a parameter: `SET local = 1` sets one that is called so. */
function isAssigned(cursor: StatementCursor): boolean {
  return cursor.isName && /^(?:=|\.|to|from)$/i.test(cursor.tokenAhead());
}

function noteNamed(cursor: StatementCursor, at: number, scope: SettingScope): void {
  if (cursor.isName) noteParameter(cursor, at, variableName(cursor), scope);
}

/** Compared without regard to case, with quotes or without (`guc_name_compare` in the server). */
function variableName(cursor: StatementCursor): string | undefined {
  const names = cursor.qualifiedName();
  return names.includes(UNREADABLE) ? undefined : names.join(".").toLowerCase();
}

/** Whether the constant that stands behind a parameter of reading leaves texts readable. */
function isReadableValue(cursor: StatementCursor): boolean {
  if (!cursor.acceptSign("=")) cursor.accept("to");
  const value = cursor.isName ? cursor.qualifiedName().join(".") : cursor.constant();
  return cursor.isAtEnd && isReadAsShown(value);
}

/** Stands behind the parameter: at the value of `SET NAMES 'utf8'`, at the `=` of others. */
function noteParameter(
  cursor: StatementCursor,
  at: number,
  parameter: string | undefined,
  scope: SettingScope,
): void {
  cursor.note(at, {
    kind: "set",
    parameter,
    scope,
    by: "set",
    ...(isOfReading(parameter) && { isReadable: isReadableValue(cursor) }),
  });
}

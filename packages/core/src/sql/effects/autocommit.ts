import { type StatementCursor, UNREADABLE } from "./statement-cursor.ts";

/**
 * Notes what PostgreSQL refuses inside a transaction block (`PreventInTransactionBlock` in the server),
 * of `CREATE`, `ALTER` and `DROP`; stands behind the kind of object. Goes no further than it needs.
 */
export function noteAutocommit(
  cursor: StatementCursor,
  at: number,
  verb: "CREATE" | "ALTER" | "DROP",
  kind: string,
): void {
  const command = commandOf(cursor, verb, kind);
  if (command !== undefined) cursor.note(at, { kind: "needs-autocommit", command });
}

function commandOf(cursor: StatementCursor, verb: string, kind: string): string | undefined {
  switch (kind) {
    case "index":
      return verb !== "ALTER" && cursor.accept("concurrently")
        ? `${verb} INDEX CONCURRENTLY`
        : undefined;
    case "database":
      if (verb !== "ALTER") return `${verb} DATABASE`;
      return isMoved(cursor) ? "ALTER DATABASE SET TABLESPACE" : undefined;
    case "tablespace":
      return verb === "ALTER" ? undefined : `${verb} TABLESPACE`;
    case "system":
      return verb === "ALTER" ? "ALTER SYSTEM" : undefined;
    case "subscription":
      return isSubscriptionRefused(cursor, verb) ? `${verb} SUBSCRIPTION` : undefined;
    default:
      return undefined;
  }
}

/** `ALTER DATABASE d SET TABLESPACE s`, also as an option: `ALTER DATABASE d WITH TABLESPACE = s`. */
function isMoved(cursor: StatementCursor): boolean {
  cursor.name();
  const clause = cursor.acceptOneOf("set", "reset", "owner", "rename", "refresh");
  if (clause !== undefined)
    return clause === "set" && cursor.isAt("tablespace") && isNameAhead(cursor);
  cursor.accept("with");
  while (!cursor.isAtEnd && !cursor.isAt("tablespace")) skipOption(cursor);
  return !cursor.isAtEnd;
}

/** Goes past `name [=] value`; the value may be called as any option. */
function skipOption(cursor: StatementCursor): void {
  if (cursor.accept("connection")) cursor.accept("limit");
  else cursor.skip();
  cursor.acceptSign("=");
  if (!cursor.acceptSign("-")) cursor.acceptSign("+");
  cursor.skip();
}

/** `SET tablespace TO x` sets a parameter that is called so. */
function isNameAhead(cursor: StatementCursor): boolean {
  const ahead = cursor.ahead();
  return ahead !== undefined && ahead !== "to" && ahead !== "from";
}

/**
 * One that makes or drops a slot on the publisher, or asks it for its tables. `DROP SUBSCRIPTION` does
 * when it has a slot, which the text does not show.
 */
function isSubscriptionRefused(cursor: StatementCursor, verb: string): boolean {
  if (verb === "DROP") return true;
  if (verb === "CREATE") return !isSwitchedOff(cursor, "connect", "create_slot");
  cursor.name();
  switch (cursor.acceptOneOf("refresh", "set", "add", "drop")) {
    case "refresh":
      return true;
    case "set":
      if (cursor.isAtSign("(")) return isSwitched(cursor);
      return cursor.accept("publication") && !isSwitchedOff(cursor, "refresh");
    case "add":
    case "drop":
      return cursor.accept("publication") && !isSwitchedOff(cursor, "refresh");
    default:
      return false;
  }
}

/** Whether one of these options is given and false. */
function isSwitchedOff(cursor: StatementCursor, ...options: readonly string[]): boolean {
  let isOff = false;
  for (; !cursor.isAtEnd; cursor.skip()) {
    if (!options.includes(cursor.word())) continue;
    cursor.skip();
    isOff ||= cursor.acceptSign("=") && cursor.flag() === false;
  }
  return isOff;
}

/** PostgreSQL 18 changes `failover` and `two_phase` on the publisher. */
function isSwitched(cursor: StatementCursor): boolean {
  for (; !cursor.isAtEnd; cursor.skip()) {
    if (cursor.isAt("failover") || cursor.isAt("two_phase")) return true;
  }
  return false;
}

/** Whether an option in the parentheses that stand here is given and not false. Goes behind them. */
export function hasOption(cursor: StatementCursor, ...names: readonly string[]): boolean {
  let isOn = false;
  const outside = cursor.depth;
  do {
    // A name stands behind `(` and `,`; behind a name stands its value.
    const isName = cursor.isAtSign("(") || cursor.isAtSign(",");
    cursor.skip();
    if (!isName || cursor.depth === outside || !cursor.isName) continue;
    // With quotes as well, and in any case what could not be read.
    const [name = UNREADABLE] = cursor.qualifiedName();
    if (name === UNREADABLE || names.includes(name)) isOn = cursor.flag() ?? true;
  } while (!cursor.isAtEnd && cursor.depth > outside);
  return isOn;
}

/** Notes a `REINDEX` that may stand in no block; stands behind it. */
export function readReindex(cursor: StatementCursor, at: number): void {
  const byOption = cursor.isAtSign("(") && hasOption(cursor, "concurrently");
  const kind = cursor.word();
  cursor.skip();
  const isConcurrent = cursor.isAt("concurrently") || byOption;
  const isOfMany = kind === "database" || kind === "system" || kind === "schema";
  if (!isConcurrent && !isOfMany) return;
  const command = ["REINDEX", kind.toUpperCase(), ...(isConcurrent ? ["CONCURRENTLY"] : [])];
  cursor.note(at, { kind: "needs-autocommit", command: command.join(" ") });
}

/** Notes a `CLUSTER` of all tables; stands behind it. */
export function readCluster(cursor: StatementCursor, at: number): void {
  if (cursor.isAtSign("(")) cursor.skipParentheses();
  cursor.accept("verbose");
  if (cursor.isAtEnd) cursor.note(at, { kind: "needs-autocommit", command: "CLUSTER" });
}

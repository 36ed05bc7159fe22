import { Lexer, type Statement, statementsIn } from "@doorpolicy/core";

/** First words of statements that speak of the session or the transaction, and never of rows. */
const OF_THE_SESSION: ReadonlySet<string> = new Set([
  "begin",
  "start",
  "commit",
  "end",
  "rollback",
  "abort",
  "savepoint",
  "release",
  "set",
  "reset",
  "show",
  "discard",
  "deallocate",
  "listen",
  "unlisten",
  "notify",
]);

/** Functions of Postgres that read no table of the application: what ORMs and health checks call. */
const READS_NOTHING: ReadonlySet<string> = new Set([
  "version",
  "current_database",
  "current_schema",
  "current_schemas",
  "current_setting",
  "set_config",
  "now",
  "clock_timestamp",
  "statement_timestamp",
  "transaction_timestamp",
  "pg_backend_pid",
  "pg_is_in_recovery",
  "pg_postmaster_start_time",
  "pg_notify",
  "pg_sleep",
  "inet_client_addr",
  "inet_server_addr",
  "inet_server_port",
  "gen_random_uuid",
  "coalesce",
  "extract",
  "nullif",
]);

/** Session and transaction locks lie on numbers. */
const ADVISORY = /^pg_(?:try_)?advisory_(?:xact_)?(?:un)?lock(?:_shared|_all)?$/u;

/** Words by which a query reaches a table without `FROM`, or a second one behind it. */
const REACHES_FURTHER: ReadonlySet<string> = new Set([
  "table",
  "join",
  "union",
  "intersect",
  "except",
  "into",
  "lateral",
]);

/** Longest `SELECT` that is looked into, in UTF-16 units. */
const MAX_LENGTH = 1_000;

/**
 * True for a text that can touch no row of the application: transaction control, `SHOW`, and a `SELECT`
 * that names no table and calls nothing but a few functions of Postgres itself, such as TypeORM's
 * `SELECT version()` and `SELECT * FROM current_schema()`.
 *
 * It errs on the other side: a function that it does not know may read anything.
 */
export function isTableless(text: string): boolean {
  for (const statement of statementsIn(text)) {
    const [word = "", second] = statement.words;
    if (OF_THE_SESSION.has(word)) continue;
    if (word === "prepare" && second === "transaction") continue;
    if (word !== "select" || !selectsNoTable(text, statement)) return false;
  }
  return true;
}

/** Walks the tokens of one `SELECT`: behind each FROM one call, and no call of what is not known. */
function selectsNoTable(text: string, { start, end }: Statement): boolean {
  // Nobody's question after the server's version is that long.
  if (end - start > MAX_LENGTH) return false;
  const tokens = tokensOf(text, start, end);
  /** Depths of parentheses at which a FROM has been: a comma there leads to a second table. */
  const froms = new Set<number>();
  let depth = 0;
  return tokens.every((token, index) => {
    const isCall = tokens[index + 1] === "(" && /^[\w"$\u0080-\uffff]/u.test(token);
    if (isCall && (tokens[index - 1] === "." || !mayBeCalled(token))) return false;
    if (token === "from") {
      froms.add(depth);
      return tokens[index + 2] === "(";
    }
    if (token === "(") depth += 1;
    else if (token === ")") froms.delete(depth--);
    return !REACHES_FURTHER.has(token) && !(token === "," && froms.has(depth));
  });
}

/** Names without quotes in lower case; everything else as it is written. */
function tokensOf(text: string, start: number, end: number): readonly string[] {
  const tokens: string[] = [];
  const lexer = new Lexer(text, start);
  for (let kind = lexer.nextSignificant(); kind !== "end"; kind = lexer.nextSignificant()) {
    if (lexer.start >= end) break;
    tokens.push(kind === "identifier" ? lexer.slice().toLowerCase() : lexer.slice());
  }
  return tokens;
}

function mayBeCalled(name: string): boolean {
  return READS_NOTHING.has(name) || ADVISORY.test(name) || name === "select";
}

import { loadModule, type Node, parseSync, type RawStmt, scanSync } from "libpg-query";

import { Lexer } from "../../src/sql/lexer.ts";
import type { Token, TokenKind } from "../../src/sql/token.ts";
import type { TransactionAct } from "../../src/sql/transaction-control.ts";
import type { IsolationLevel, TransactionModes } from "../../src/sql/transaction-modes.ts";

/** PostgreSQL 18's own lexer and parser, compiled to WebAssembly: what they say is right. */
await loadModule();

/** A token without its flag: PostgreSQL gives none for a text with an unterminated one. */
export type OracleToken = Omit<Token, "unterminated">;

/** Blanks left out. `undefined` when PostgreSQL's lexer refuses the text. */
export function oracleTokens(text: string): OracleToken[] | undefined {
  const tokens = scanned(text);
  const offsets = utf16Offsets(text);
  return tokens?.map(({ start, end, tokenType }) => ({
    kind: kindOf(tokenType, text[offsets(start)], text[offsets(start) + 1]),
    start: offsets(start),
    end: offsets(end),
  }));
}

/** A statement as PostgreSQL's parser sees it. */
export interface OracleStatement {
  readonly start: number;
  readonly end: number;
  readonly act: TransactionAct | undefined;
}

/** `undefined` when PostgreSQL's parser refuses the text. */
export function oracleStatements(text: string): OracleStatement[] | undefined {
  const stmts = parsed(text);
  const offsets = utf16Offsets(text);
  return stmts?.map(({ stmt, stmt_location: from = 0, stmt_len: length }) => {
    const start = offsets(from);
    // No length means: up to the end of the text.
    const end = length === undefined || length === 0 ? text.length : offsets(from + length);
    return { ...trimmed(text, start, end), act: actOf(stmt) };
  });
}

/** The statements of a text as trees; `undefined` when PostgreSQL's parser refuses it. */
export function oracleTrees(text: string): Node[] | undefined {
  return parsed(text)?.flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt]));
}

interface ScannedToken {
  readonly start: number;
  readonly end: number;
  readonly tokenType: number;
}

/** A refusal comes as a text where JSON is expected, so it shows as a `SyntaxError`. */
function scanned(text: string): ScannedToken[] | undefined {
  if (text === "") return [];
  try {
    return scanSync(text).tokens;
  } catch (error) {
    if (isCrash(error)) throw error;
    return undefined;
  }
}

/** A crash of the WebAssembly module is no answer. */
function isCrash(error: unknown): boolean {
  return error instanceof Error && error.name === "RuntimeError";
}

function parsed(text: string): RawStmt[] | undefined {
  if (text === "") return [];
  try {
    return parseSync(text).stmts ?? [];
  } catch (error) {
    if (isCrash(error)) throw error;
    return undefined;
  }
}

/** From bytes of UTF-8 to units of UTF-16. */
function utf16Offsets(text: string): (byte: number) => number {
  const bytes = Buffer.byteLength(text);
  if (bytes === text.length) return (byte) => byte;
  const offsets = new Uint32Array(bytes + 1);
  let byte = 0;
  let unit = 0;
  for (const character of text) {
    const width = Buffer.byteLength(character);
    offsets.fill(unit, byte, byte + width);
    byte += width;
    unit += character.length;
  }
  offsets[byte] = unit;
  return (position) => offsets[position] ?? text.length;
}

/** Token numbers of PostgreSQL 18's grammar as libpg_query builds it. */
const KINDS: ReadonlyMap<number, TokenKind> = new Map([
  [258, "identifier"],
  [259, "unicode-identifier"],
  [260, "number"],
  [261, "string"],
  [262, "unicode-string"],
  [263, "bit-string"],
  [264, "bit-string"],
  [265, "operator"],
  [266, "number"],
  [267, "parameter"],
  [268, "punctuation"],
  [269, "punctuation"],
  [270, "punctuation"],
  [271, "operator"],
  [272, "operator"],
  [273, "operator"],
  [274, "operator"],
  [275, "comment"],
  [276, "comment"],
]);

/** The grammar has one number for strings of three forms and one for names with and without quotes. */
function kindOf(number: number, first = "", second = ""): TokenKind {
  if (number < 256) {
    if (first === ";") return "separator";
    return "+-*/%^<>=".includes(first) ? "operator" : "punctuation";
  }
  const kind = KINDS.get(number) ?? "identifier";
  if (kind === "identifier" && first === '"') return "quoted-identifier";
  if (kind === "string" && first === "$") return "dollar-string";
  if (kind === "string" && second === "'" && first !== "'") return "escape-string";
  return kind;
}

/** Without the blanks and comments around it, which the parser counts in or not. */
function trimmed(text: string, from: number, to: number): { start: number; end: number } {
  const lexer = new Lexer(text, from);
  lexer.nextSignificant();
  const { start } = lexer;
  let { end } = lexer;
  while (lexer.kind !== "end" && lexer.start < to) {
    end = lexer.end;
    lexer.nextSignificant();
  }
  return { start, end };
}

const ACTS = {
  TRANS_STMT_BEGIN: "begin",
  TRANS_STMT_START: "begin",
  TRANS_STMT_COMMIT: "commit",
  TRANS_STMT_ROLLBACK: "rollback",
  TRANS_STMT_SAVEPOINT: "savepoint",
  TRANS_STMT_RELEASE: "release",
  TRANS_STMT_ROLLBACK_TO: "rollback-to",
  TRANS_STMT_PREPARE: "prepare-transaction",
  TRANS_STMT_COMMIT_PREPARED: "commit-prepared",
  TRANS_STMT_ROLLBACK_PREPARED: "rollback-prepared",
} as const;

const LEVELS: readonly IsolationLevel[] = [
  "read uncommitted",
  "read committed",
  "repeatable read",
  "serializable",
];

function actOf(stmt: Node | undefined): TransactionAct | undefined {
  if (stmt === undefined) return undefined;
  if ("VariableSetStmt" in stmt) {
    const { args, kind, name = "" } = stmt.VariableSetStmt;
    return kind === "VAR_SET_MULTI" && /^TRANSACTION( SNAPSHOT)?$/.test(name)
      ? { kind: "set-transaction", modes: modesOf(args) }
      : undefined;
  }
  if (!("TransactionStmt" in stmt)) return undefined;
  const { chain = false, options, savepoint_name: name = "", ...rest } = stmt.TransactionStmt;
  const kind = ACTS[rest.kind ?? "TRANS_STMT_BEGIN"];
  switch (kind) {
    case "begin":
      return { kind, modes: modesOf(options) };
    case "commit":
    case "rollback":
      return { kind, chain };
    case "savepoint":
    case "release":
    case "rollback-to":
      return { kind, name };
    default:
      return { kind };
  }
}

function modesOf(nodes: readonly Node[] = []): TransactionModes {
  let modes: TransactionModes = {};
  for (const node of nodes) {
    if (!("DefElem" in node)) continue;
    const { arg, defname } = node.DefElem;
    const constant = arg !== undefined && "A_Const" in arg ? arg.A_Const : {};
    const isOn = (constant.ival?.ival ?? 0) !== 0;
    const isolation = LEVELS.find((level) => level === constant.sval?.sval);
    if (isolation !== undefined) modes = { ...modes, isolation };
    if (defname === "transaction_read_only") modes = { ...modes, readOnly: isOn };
    if (defname === "transaction_deferrable") modes = { ...modes, deferrable: isOn };
  }
  return modes;
}

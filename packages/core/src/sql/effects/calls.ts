import { folded } from "../name.ts";
import { Lexer } from "../lexer.ts";
import { isStringKind, type TokenKind } from "../token.ts";
import { isHarmlessWord, isOpaqueBuiltIn } from "./known-words.ts";
import { type Argument, readArgument } from "./operand.ts";
import {
  type CallEffect,
  FIELD_FUNCTIONS,
  READ_ARGUMENTS,
  SESSION_FUNCTIONS,
} from "./session-functions.ts";
import { isOneOf } from "./is-one-of.ts";
import { readQualifiedName, type StatementCursor, UNREADABLE } from "./statement-cursor.ts";
import { noteSelectInto, noteUpdate } from "./query-effects.ts";
import { WithLists } from "./with-lists.ts";

/** Enough for a constant in casts and parentheses; a longer argument is an expression. */
const MAX_ARGUMENT_TOKENS = 16;

/** No function of {@link READ_ARGUMENTS} has more. */
const MAX_ARGUMENTS = 3;

/**
 * Keywords behind which an expression or a table function begins, so that a name and a parenthesis
 * behind one is a call. Behind other words it is an alias, a type, or a table with columns.
 */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set(
  `all analyze and any between both by case cross default distinct do else escape except execute filter first for from
  full having ilike in inner intersect is isnull join key lateral leading left like limit natural next not notnull
  offset on or outer over placing range recursive returning right rows groups select set similar some symmetric
  asymmetric then to trailing union using value values variadic when where with zone`.split(/\s+/),
);

/**
 * Words whose parentheses may stand before an expression: `DISTINCT ON (a) f(b)`, `1 OPERATOR(pg_catalog.+) f(b)`,
 * `RETURNING WITH (OLD AS o) f(b)`.
 */
const BEFORE_PREFIX: ReadonlySet<string> = new Set(["on", "operator", "with"]);

/** What names of the catalog begin with that hardly a column's does. */
const OF_CATALOG = "pg_";

/** A call whose arguments are being read. */
interface OpenCall {
  readonly at: number;
  readonly effectOf: CallEffect;
  /** Open parentheses inside of it. */
  readonly depth: number;
  readonly arguments: Argument[];
  argumentStart: number;
  tokens: number;
  brackets: number;
}

/**
 * Notes what function calls, `SELECT … INTO` and `UPDATE pg_settings` of a statement do, up to its end
 * or to where it `stops`.
 */
export function readCalls(
  cursor: StatementCursor,
  stops: () => boolean = () => cursor.isAtEnd,
): void {
  new CallReader(cursor).read(stops);
}

class CallReader {
  private readonly cursor: StatementCursor;
  private readonly open: OpenCall[] = [];
  private readonly withLists: WithLists;
  /** Depths of the open parentheses behind which an expression may begin. */
  private readonly prefixes: number[] = [];
  private previousKind: TokenKind = "end";
  private previousStart = 0;
  private previousEnd = 0;

  constructor(cursor: StatementCursor) {
    this.cursor = cursor;
    this.withLists = new WithLists(cursor);
  }

  read(stops: () => boolean): void {
    const { cursor, open } = this;
    while (!cursor.isAtEnd && !stops()) {
      if (cursor.isName) this.readName();
      else this.readSign();
    }
    // PostgreSQL refuses what has not been closed.
    for (let call = open.pop(); call !== undefined; call = open.pop()) this.finish(call);
  }

  private readSign(): void {
    const { cursor } = this;
    const call = this.open.at(-1);
    if (call !== undefined && cursor.kind === "punctuation") {
      if (this.ends(call)) return;
    } else if (call !== undefined) call.tokens++;
    if (cursor.isAtSign("(") && BEFORE_PREFIX.has(this.previousWord())) {
      this.prefixes.push(cursor.depth);
    }
    this.skipSign();
  }

  /** Goes past the current sign. */
  private skipSign(): void {
    const { cursor } = this;
    const isClosing = cursor.isAtSign(")");
    this.remember();
    cursor.skip();
    if (!isClosing) return;
    if (this.prefixes.at(-1) === cursor.depth) {
      this.prefixes.pop();
      this.previousKind = "operator";
    } else this.withLists.seeBehindParenthesis();
  }

  /** Takes the current sign into a call's account; true when it closed the call. */
  private ends(call: OpenCall): boolean {
    const { cursor, open } = this;
    call.tokens++;
    if (cursor.isAtSign("[")) call.brackets++;
    else if (cursor.isAtSign("]")) call.brackets--;
    if (cursor.depth !== call.depth) return false;
    const isComma = cursor.isAtSign(",") && call.brackets === 0;
    const isClosed = cursor.isAtSign(")");
    if (!isComma && !isClosed) return false;
    this.takeArgument(call);
    if (!isClosed) return false;
    open.pop();
    this.finish(call);
    this.skipSign();
    // To the call around it, this one is an argument that only the server can compute.
    const outer = open.at(-1);
    if (outer !== undefined) outer.tokens = MAX_ARGUMENT_TOKENS + 1;
    return true;
  }

  private takeArgument(call: OpenCall): void {
    const { cursor } = this;
    // The comma or parenthesis behind it has been counted.
    const isShort = call.tokens <= MAX_ARGUMENT_TOKENS + 1;
    if (call.arguments.length < MAX_ARGUMENTS) {
      const text = isShort ? cursor.text.slice(call.argumentStart, cursor.start) : "";
      call.arguments.push(isShort ? readArgument(text) : { value: undefined });
    }
    call.argumentStart = cursor.end;
    call.tokens = 0;
  }

  private finish(call: OpenCall): void {
    this.cursor.note(call.at, call.effectOf(call.arguments));
  }

  private readName(): void {
    const { cursor } = this;
    const { end, kind, start } = cursor;
    cursor.skipNamePart();
    let isQualified = false;
    let lastStart = start;
    while (cursor.isAtSign(".")) {
      cursor.skip();
      isQualified = true;
      lastStart = cursor.start;
      cursor.skipNamePart();
    }
    this.countTokens(isQualified ? 3 : 1);
    const isWord = kind === "identifier" && !isQualified;
    if (cursor.isAtSign("(")) {
      if (this.readCall(start, isWord ? end : undefined)) return;
    } else if (this.isBehindDot()) this.readFields(start, "");
    else if (isWord) this.readKeyword(start, end);
    else if (isQualified && mayBeOfCatalog(cursor.text, lastStart) && !this.isType())
      this.readFields(lastStart, OF_CATALOG);
    // A qualified name is no keyword, whatever its first part is called.
    this.previousKind = isWord ? kind : "quoted-identifier";
    this.previousStart = start;
    this.previousEnd = end;
  }

  private countTokens(count: number): void {
    const call = this.open.at(-1);
    if (call !== undefined) call.tokens += count;
  }

  /** Whether a field stands here, of what is no name: `(a).b`, `a[1].b`, `$1.b`. */
  private isBehindDot(): boolean {
    const { previousEnd, previousKind, previousStart } = this;
    return (
      previousKind === "punctuation" && this.cursor.text.slice(previousStart, previousEnd) === "."
    );
  }

  /**
   * Notes what fields do that may be functions. Of a name that is qualified, `a.b`, the second is a field if
   * `a` is the alias of a function that gives single values; only for a function of `pg_…` is that more likely
   * than a column.
   */
  private readFields(start: number, prefix: string): void {
    for (const name of readQualifiedName(lexerAt(this.cursor.text, start))) {
      const effectOf = FIELD_FUNCTIONS.has(name) ? SESSION_FUNCTIONS.get(name) : undefined;
      if (effectOf === undefined || !name.startsWith(prefix)) continue;
      this.cursor.note(start, effectOf([]));
    }
  }

  /**
   * Notes a call; true when its arguments are read from here on, behind the parenthesis. `wordEnd`: behind
   * the name when it is a single word without quotes.
   */
  private readCall(start: number, wordEnd: number | undefined): boolean {
    const { cursor } = this;
    const word = wordEnd === undefined ? undefined : folded(cursor.text.slice(start, wordEnd));
    if (word !== undefined) this.withLists.see(word);
    if (word !== undefined && isHarmlessWord(word)) return false;
    const names = word === undefined ? readQualifiedName(lexerAt(cursor.text, start)) : [word];
    const name = names.at(-1);
    if (name === undefined) return false;
    const isBuiltIn = names.length === 1 || isOneOf(names.at(-2), "pg_catalog", UNREADABLE);
    const effectOf = isBuiltIn ? SESSION_FUNCTIONS.get(name) : undefined;
    if (effectOf !== undefined) return !this.isTarget() && this.begin(start, name, effectOf);
    if (!isHarmless(names, name) && this.isCalled()) {
      cursor.note(start, { kind: "opaque", by: "function", name: names.join(".") });
    }
    return false;
  }

  private begin(at: number, name: string, effectOf: CallEffect): boolean {
    const { cursor } = this;
    if (!READ_ARGUMENTS.has(name)) {
      cursor.note(at, effectOf([]));
      return false;
    }
    const argumentStart = cursor.end;
    this.remember();
    cursor.skip();
    const call = { at, effectOf, depth: cursor.depth, argumentStart };
    this.open.push({ ...call, arguments: [], tokens: 0, brackets: 0 });
    return true;
  }

  /**
   * Whether the name that was read belongs to a table, an alias or a type, for certain. Behind a word without
   * quotes, as in `FROM t lastval (a)`, it is not: some keywords begin an expression.
   */
  private isTarget(): boolean {
    const { previousEnd, previousKind, previousStart } = this;
    if (previousKind === "punctuation") {
      const sign = this.cursor.text.slice(previousStart, previousEnd);
      return sign === "::" || (sign === "," && this.withLists.isBetween);
    }
    if (previousKind === "quoted-identifier") return true;
    return isOneOf(this.previousWord(), "into", "as", "with", "recursive", "references");
  }

  /** Whether the name that was read is the type of a constant, or of a cast. */
  private isType(): boolean {
    return isStringKind(this.cursor.kind) || this.isTarget();
  }

  /** Whether a name that is not known, with a parenthesis behind it, is a call where it stands. */
  private isCalled(): boolean {
    const { cursor, previousEnd, previousKind, previousStart } = this;
    switch (previousKind) {
      case "end":
      case "operator":
        return true;
      case "identifier": {
        const previous = this.previousWord();
        return !this.isTarget() && BEFORE_EXPRESSION.has(previous);
      }
      case "punctuation": {
        const sign = cursor.text.slice(previousStart, previousEnd);
        if (sign === "," && this.withLists.isBetween) return false;
        return sign !== ")" && sign !== "]" && sign !== "::";
      }
      default:
        return false;
    }
  }

  private previousWord(): string {
    return this.previousKind === "identifier"
      ? folded(this.cursor.text.slice(this.previousStart, this.previousEnd))
      : "";
  }

  private readKeyword(start: number, end: number): void {
    // Longer ones mean nothing here, and nearly all columns are.
    if (end - start > 7) return;
    const { cursor } = this;
    const word = folded(cursor.text.slice(start, end));
    this.withLists.see(word);
    switch (word) {
      case "into":
        if (!isOneOf(this.previousWord(), "insert", "merge")) noteSelectInto(cursor);
        break;
      case "update":
        noteUpdate(cursor, start);
        break;
      case "set":
        // `ALTER TABLE … SET DEFAULT`: an expression that runs later.
        if (cursor.accept("default")) this.skipToComma();
        break;
      default:
        break;
    }
  }

  private skipToComma(): void {
    const { cursor } = this;
    while (!cursor.isAtEnd && !(cursor.depth === 0 && cursor.isAtSign(","))) cursor.skip();
  }

  private remember(): void {
    const { end, kind, start } = this.cursor;
    this.previousKind = kind;
    this.previousStart = start;
    this.previousEnd = end;
  }
}

/** Whether a part of a name begins with `pg_`, or may do so where it has escapes. */
function mayBeOfCatalog(text: string, start: number): boolean {
  return /^(?:"?pg_|u&)/i.test(text.slice(start, start + 4));
}

function isHarmless(names: readonly string[], name: string): boolean {
  if (names.length === 1) return isHarmlessWord(name);
  return isOneOf(names.at(-2) ?? "", "pg_catalog", "information_schema") && !isOpaqueBuiltIn(name);
}

function lexerAt(text: string, start: number): Lexer {
  const lexer = new Lexer(text, start);
  lexer.nextSignificant();
  return lexer;
}

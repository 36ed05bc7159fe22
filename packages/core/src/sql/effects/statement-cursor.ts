import { unitAt } from "../characters.ts";
import { constantOf } from "../constant.ts";
import type { EffectOf } from "../effect.ts";
import { Lexer } from "../lexer.ts";
import { folded, readName } from "../name.ts";
import { Nesting } from "../nesting.ts";
import { Phrase } from "../phrase.ts";
import type { TokenKind } from "../token.ts";
import type { EffectList } from "./effect-list.ts";

/**
 * Walks one statement of a text after another, and says where each ends. Each token is looked at once:
 * a second walk would be to find the end first.
 */
export class StatementCursor extends Phrase {
  private nesting = new Nesting();
  private readonly found: EffectList;

  constructor(text: string, found: EffectList) {
    super(text, 0);
    this.found = found;
  }

  /** Whether the statement is over: the text is, or a `;` stands here that separates. */
  override get isAtEnd(): boolean {
    const { kind } = this.lexer;
    return kind === "end" || (kind === "separator" && this.nesting.isOutside);
  }

  get text(): string {
    return this.lexer.text;
  }

  get kind(): TokenKind {
    return this.lexer.kind;
  }

  /** Offset of the current token. */
  get start(): number {
    return this.lexer.start;
  }

  /** Offset behind the current token. */
  get end(): number {
    return this.lexer.end;
  }

  /** How many parentheses of the statement are open before the current token. */
  get depth(): number {
    return this.nesting.depth;
  }

  /** Whether a name or a keyword stands here, with quotes or without. */
  get isName(): boolean {
    return isNameKind(this.lexer.kind);
  }

  /** Goes past what separates statements; false when none is left. */
  goToStatement(): boolean {
    while (this.lexer.kind === "separator") this.lexer.nextSignificant();
    this.nesting = new Nesting();
    return this.lexer.kind !== "end";
  }

  /** Goes past a token of any kind. */
  skip(): void {
    this.advance();
  }

  /** Goes past a name or one part of it, with its `UESCAPE`, if one stands here. */
  skipNamePart(): void {
    const { kind } = this.lexer;
    if (!isNameKind(kind)) return;
    this.advance();
    if (kind === "unicode-identifier" && this.accept("uescape")) this.advance();
  }

  /** Goes to the end of the statement. */
  skipRest(): void {
    while (!this.isAtEnd) this.advance();
  }

  /** Goes behind the parenthesis that closes the one that stands here, if one does. */
  skipParentheses(): void {
    const outside = this.depth;
    do this.advance();
    while (!this.isAtEnd && this.depth > outside);
  }

  /** Whether this keyword, or name without quotes, stands here. */
  isAt(word: string): boolean {
    return this.lexer.is(word);
  }

  /** Whether a token of this one character stands here. */
  isAtSign(sign: string): boolean {
    const { end, start, text } = this.lexer;
    return end === start + 1 && unitAt(text, start) === sign.charCodeAt(0);
  }

  /** The keyword that stands here in lower case; `""` for what has quotes or is no word. */
  word(): string {
    return this.lexer.kind === "identifier" ? folded(this.lexer.slice()) : "";
  }

  /** Goes past a truth value as options have it, and gives it; `undefined`, and stays, where none stands. */
  flag(): boolean | undefined {
    const token = this.lexer.slice();
    const value = constantOf(this.lexer) ?? token;
    const isValue = /^(?:true|on|false|off|[0-9]+)$/i.test(value);
    if (!isValue) return undefined;
    this.advance();
    return !/^(?:false|off|0+)$/i.test(value);
  }

  /** Goes past a constant, and gives its value, a number as it is written; `""` for what is none. */
  constant(): string {
    const { kind } = this.lexer;
    const value = kind === "number" ? this.lexer.slice() : constantOf(this.lexer);
    if (value !== undefined) this.advance();
    return value ?? "";
  }

  /** The token behind the current one as it is written; `""` at the end of the text. */
  tokenAhead(): string {
    const lexer = new Lexer(this.text, this.end);
    lexer.nextSignificant();
    return lexer.slice();
  }

  /** The word behind the current token as {@link word} gives it; `undefined` when no name stands there. */
  ahead(): string | undefined {
    const lexer = new Lexer(this.text, this.end);
    lexer.nextSignificant();
    if (!isNameKind(lexer.kind)) return undefined;
    return lexer.kind === "identifier" ? folded(lexer.slice()) : "";
  }

  /** The name that stands here with what qualifies it; empty for none, with {@link UNREADABLE} for its parts that are. */
  qualifiedName(): readonly string[] {
    return readQualifiedName(this.lexer);
  }

  /** Notes an effect whose word stood at an offset. */
  note(at: number, effect: EffectOf): void {
    this.found.add(at, effect);
  }

  protected override advance(): void {
    this.nesting.see(this.lexer);
    this.lexer.nextSignificant();
  }
}

/** True for a name with quotes or without, and for a keyword. */
function isNameKind(kind: TokenKind): boolean {
  return kind === "identifier" || kind === "quoted-identifier" || kind === "unicode-identifier";
}

/**
 * A part of a name that PostgreSQL refuses or that cannot be read, so that it may be any. PostgreSQL has no
 * name of this length.
 */
export const UNREADABLE = "";

/** Reads `a.b.c` from where the lexer stands. */
export function readQualifiedName(lexer: Lexer): readonly string[] {
  const parts: string[] = [];
  while (isNameKind(lexer.kind)) {
    parts.push(readName(lexer) ?? UNREADABLE);
    if (lexer.kind !== "punctuation" || lexer.slice() !== ".") break;
    lexer.nextSignificant();
  }
  return parts;
}

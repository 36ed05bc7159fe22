import { Lexer } from "./lexer.ts";
import { readName } from "./name.ts";
import { isStringKind } from "./token.ts";

/**
 * Walks the words of one statement of a fixed grammar. What was expected and is missing makes it
 * broken, and it stays so.
 */
export class Phrase {
  protected readonly lexer: Lexer;
  private isBroken = false;

  /** Stands on the first token from `from` on. */
  constructor(text: string, from: number) {
    this.lexer = new Lexer(text, from);
    this.lexer.nextSignificant();
  }

  /** Whether the statement is over. */
  get isAtEnd(): boolean {
    return this.lexer.kind === "end" || this.lexer.kind === "separator";
  }

  /** Whether the statement is over and nothing of it was missing. */
  get isComplete(): boolean {
    return this.isAtEnd && !this.isBroken;
  }

  /** Goes past the word if it stands here. */
  accept(word: string): boolean {
    if (!this.lexer.is(word)) return false;
    this.advance();
    return true;
  }

  /** Goes past one of the words if it stands here, and gives it. */
  acceptOneOf<Word extends string>(...words: Word[]): Word | undefined {
    return words.find((word) => this.accept(word));
  }

  /** Goes past the operator or punctuation if it stands here. */
  acceptSign(sign: string): boolean {
    const { end, start, text } = this.lexer;
    if (end - start !== sign.length || !text.startsWith(sign, start)) return false;
    this.advance();
    return true;
  }

  /** Goes past a string constant, with its `UESCAPE` if it has one; its value is left alone. */
  acceptString(): boolean {
    const { kind, unterminated } = this.lexer;
    if (!isStringKind(kind) || unterminated) return false;
    this.advance();
    if (kind === "unicode-string" && this.accept("uescape")) this.expect(this.acceptString());
    return true;
  }

  /** The name that stands here; `""` breaks the phrase. */
  name(): string {
    const name = readName(this.lexer) ?? "";
    this.expect(name !== "");
    return name;
  }

  /** Breaks the phrase unless this was found. */
  expect(isFound: boolean): void {
    this.isBroken ||= !isFound;
  }

  /** Goes to the next token of the statement. */
  protected advance(): void {
    this.lexer.nextSignificant();
  }
}

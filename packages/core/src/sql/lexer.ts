import {
  isBlank,
  isDigit,
  isDigitOf,
  isIdentifierPart,
  isLetter,
  isNewline,
  isOperatorPart,
  isTagPart,
} from "./characters.ts";
import type { Token, TokenKind } from "./token.ts";

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const AMPERSAND = 0x26;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;

/**
 * Reads SQL text as PostgreSQL's lexer (`src/backend/parser/scan.l`, versions 14 to 18) does: one
 * token at each call of {@link next}, which leaves kind and place in the fields of this object and
 * allocates nothing, since it runs on every statement of a service.
 *
 * Any text is read to its end in linear time, without recursion and without a throw. What PostgreSQL
 * refuses is read as older versions read it, `1a` as a number and a name; nothing hangs on that,
 * since a text that the lexer refuses runs no statement at all. A string, quoted name or comment
 * without its end reaches to the end of the text and is marked.
 *
 * A backslash in a plain `'…'` is a character like others, as `standard_conforming_strings = on` has
 * it, the default since 9.1. With `off` it would escape the next character, and strings would end
 * elsewhere: no connection that is judged by this lexer may turn it off.
 */
export class Lexer {
  /** The whole text; the offsets count its UTF-16 code units. */
  readonly text: string;
  /** The current token; `"end"` for good when there is none left. */
  kind: TokenKind = "end";
  start = 0;
  end = 0;
  /** True for a string, quoted name or comment that the text ends in. */
  unterminated = false;

  /** Where a run of `+` and `-` ends whose characters are known to be operators of their own. */
  private signsEnd = 0;

  /** @param from where to begin; must not lie inside a token. */
  constructor(text: string, from = 0) {
    this.text = text;
    this.start = from;
    this.end = from;
  }

  /** Goes to the next token, blanks and comments included. */
  next(): TokenKind {
    this.start = this.end;
    this.unterminated = false;
    this.kind = this.read(this.start);
    return this.kind;
  }

  /** Goes to the next token that is neither blank nor comment. */
  nextSignificant(): TokenKind {
    let kind = this.next();
    while (kind === "whitespace" || kind === "comment") kind = this.next();
    return kind;
  }

  /** Whether the token is this name or keyword without quotes; `word` in lower case, ASCII. */
  is(word: string): boolean {
    const { start, text } = this;
    if (this.kind !== "identifier" || this.end - start !== word.length) return false;
    for (let index = 0; index < word.length; index++) {
      const unit = text.charCodeAt(start + index);
      // Only A to Z are folded, as in a UTF-8 database: the Kelvin sign is no `k`.
      const folded = unit >= 65 && unit <= 90 ? unit + 32 : unit;
      if (folded !== word.charCodeAt(index)) return false;
    }
    return true;
  }

  /** The token's text as it was written. */
  slice(): string {
    return this.text.slice(this.start, this.end);
  }

  private read(start: number): TokenKind {
    const { text } = this;
    if (start >= text.length) return "end";
    const unit = text.charCodeAt(start);
    if (isBlank(unit)) {
      let end = start + 1;
      while (isBlank(text.charCodeAt(end))) end++;
      this.end = end;
      return "whitespace";
    }
    if (isLetter(unit)) return this.word(unit, start);
    if (isDigit(unit)) return this.number(start);
    if (isOperatorPart(unit)) return this.operatorOrComment(unit, start);
    switch (unit) {
      case QUOTE:
        return this.quoted("string", start + 1);
      case DOUBLE_QUOTE:
        return this.quotedName("quoted-identifier", start + 1);
      case DOLLAR:
        return this.dollar(start);
      case SEMICOLON:
        this.end = start + 1;
        return "separator";
      default:
        return this.punctuation(unit, start);
    }
  }

  /** A name, or the prefix letter of a string. A longer name before a quote is a name: `ae'\n'` holds no escape. */
  private word(unit: number, start: number): TokenKind {
    const { text } = this;
    const second = text.charCodeAt(start + 1);
    if (second === QUOTE) {
      const letter = unit | 0x20;
      if (letter === 0x65) return this.escapeString(start + 2);
      if (letter === 0x62 || letter === 0x78) return this.quoted("bit-string", start + 2);
    } else if (second === AMPERSAND && (unit | 0x20) === 0x75) {
      const third = text.charCodeAt(start + 2);
      if (third === QUOTE) return this.quoted("unicode-string", start + 3);
      if (third === DOUBLE_QUOTE) return this.quotedName("unicode-identifier", start + 3);
    }
    let end = start + 1;
    while (isIdentifierPart(text.charCodeAt(end))) end++;
    this.end = end;
    return "identifier";
  }

  private quoted(kind: TokenKind, from: number): TokenKind {
    const { text } = this;
    for (let close = text.indexOf("'", from); close !== -1; close = text.indexOf("'", close)) {
      if (text.charCodeAt(close + 1) === QUOTE) {
        close += 2;
        continue;
      }
      const continued = this.continuation(close + 1);
      if (continued === 0) return this.finish(kind, close + 1);
      close = continued;
    }
    return this.finishUnterminated(kind);
  }

  private escapeString(from: number): TokenKind {
    const { text } = this;
    let position = from;
    while (position < text.length) {
      const unit = text.charCodeAt(position);
      if (unit === BACKSLASH) position += 2;
      else if (unit !== QUOTE) position += 1;
      else if (text.charCodeAt(position + 1) === QUOTE) position += 2;
      else {
        const continued = this.continuation(position + 1);
        if (continued === 0) return this.finish("escape-string", position + 1);
        position = continued;
      }
    }
    return this.finishUnterminated("escape-string");
  }

  /**
   * Behind the quote that takes a string up again, or 0: between the two quotes stand blanks and
   * `--` comments and at least one line break (`quotecontinue` in `scan.l`).
   */
  private continuation(from: number): number {
    const { text } = this;
    let sawNewline = false;
    for (let position = from; ; position++) {
      const unit = text.charCodeAt(position);
      if (isNewline(unit)) sawNewline = true;
      else if (unit === QUOTE) return sawNewline ? position + 1 : 0;
      else if (unit === MINUS && text.charCodeAt(position + 1) === MINUS) {
        position = this.lineEnd(position + 2);
        if (position >= text.length) return 0;
        sawNewline = true;
      } else if (!isBlank(unit)) return 0;
    }
  }

  private quotedName(kind: TokenKind, from: number): TokenKind {
    const { text } = this;
    let close = text.indexOf('"', from);
    while (close !== -1 && text.charCodeAt(close + 1) === DOUBLE_QUOTE) {
      close = text.indexOf('"', close + 2);
    }
    return close === -1 ? this.finishUnterminated(kind) : this.finish(kind, close + 1);
  }

  /** A parameter, a dollar quote, or a dollar that means nothing. */
  private dollar(start: number): TokenKind {
    const { text } = this;
    let end = start + 1;
    const unit = text.charCodeAt(end);
    if (isDigit(unit)) {
      while (isDigit(text.charCodeAt(end))) end++;
      return this.finish("parameter", end);
    }
    if (isLetter(unit)) while (isTagPart(text.charCodeAt(end))) end++;
    if (text.charCodeAt(end) !== DOLLAR) return this.finish("punctuation", start + 1);
    // Every `$` of the body is tried as the beginning of the closing tag, so a plain search finds the same.
    const tag = text.slice(start, end + 1);
    const close = text.indexOf(tag, end + 1);
    if (close === -1) return this.finishUnterminated("dollar-string");
    return this.finish("dollar-string", close + tag.length);
  }

  private number(start: number): TokenKind {
    const { text } = this;
    if (text.charCodeAt(start) === ZERO) {
      const radix = radixOf(text.charCodeAt(start + 1));
      const end = radix === undefined ? start : this.digits(start + 2, radix);
      if (end > start + 2) return this.finish("number", end);
    }
    let end = this.digits(start, 10);
    if (text.charCodeAt(end) === DOT) {
      // `1..2` is the range of a PL/pgSQL loop: a number, two dots, a number.
      if (text.charCodeAt(end + 1) === DOT) return this.finish("number", end);
      end = this.fraction(end + 1);
    }
    return this.finish("number", this.exponent(end));
  }

  /** Digits behind the point; an underscore must stand between two. */
  private fraction(from: number): number {
    return isDigit(this.text.charCodeAt(from)) ? this.digits(from, 10) : from;
  }

  private exponent(from: number): number {
    const { text } = this;
    if ((text.charCodeAt(from) | 0x20) !== 0x65) return from;
    const sign = text.charCodeAt(from + 1);
    const digits = sign === PLUS || sign === MINUS ? from + 2 : from + 1;
    return isDigit(text.charCodeAt(digits)) ? this.digits(digits, 10) : from;
  }

  /** Past digits with single underscores before them (since PostgreSQL 16); a last underscore is not taken. */
  private digits(from: number, radix: 2 | 8 | 10 | 16): number {
    const { text } = this;
    let position = from;
    for (;;) {
      const unit = text.charCodeAt(position);
      const digit = unit === UNDERSCORE ? text.charCodeAt(position + 1) : unit;
      if (!(radix === 10 ? isDigit(digit) : isDigitOf(radix, digit))) return position;
      position += unit === UNDERSCORE ? 2 : 1;
    }
  }

  private punctuation(unit: number, start: number): TokenKind {
    const second = this.text.charCodeAt(start + 1);
    if (unit === DOT && isDigit(second)) {
      return this.finish("number", this.exponent(this.digits(start + 1, 10)));
    }
    const isPair =
      (unit === COLON && (second === COLON || second === EQUALS)) ||
      (unit === DOT && second === DOT);
    return this.finish("punctuation", start + (isPair ? 2 : 1));
  }

  private operatorOrComment(unit: number, start: number): TokenKind {
    const second = this.text.charCodeAt(start + 1);
    if (unit === MINUS && second === MINUS) {
      return this.finish("comment", this.lineEnd(start + 2));
    }
    if (unit === SLASH && second === STAR) return this.blockComment(start + 2);
    if (start < this.signsEnd) return this.finish("operator", start + 1);
    return this.operator(start);
  }

  private lineEnd(from: number): number {
    const { text } = this;
    let position = from;
    while (position < text.length && !isNewline(text.charCodeAt(position))) position++;
    return position;
  }

  private blockComment(from: number): TokenKind {
    const { text } = this;
    let depth = 1;
    for (let position = from; position < text.length; position++) {
      const unit = text.charCodeAt(position);
      if (unit === STAR && text.charCodeAt(position + 1) === SLASH) {
        position++;
        depth--;
        if (depth === 0) return this.finish("comment", position + 1);
      } else if (unit === SLASH && text.charCodeAt(position + 1) === STAR) {
        position++;
        depth++;
      }
    }
    return this.finishUnterminated("comment");
  }

  /**
   * The longest run of operator characters up to the beginning of a comment, without the `+` and `-`
   * at its end unless one of ``~ ! @ # ^ & | ` ? %`` stands in it, so that `=-1` is `=` and `-1`.
   */
  private operator(start: number): TokenKind {
    const { text } = this;
    let end = start;
    let keepsSigns = false;
    for (; ; end++) {
      const unit = text.charCodeAt(end);
      if (!isOperatorPart(unit)) break;
      const second = text.charCodeAt(end + 1);
      if (unit === MINUS && second === MINUS) break;
      if (unit === SLASH && second === STAR) break;
      keepsSigns ||= keepsTrailingSign(unit);
    }
    let kept = end;
    if (!keepsSigns) {
      while (kept > start + 1 && isSign(text.charCodeAt(kept - 1))) kept--;
      // The signs that were put back stand for themselves; to find that out for each anew would take
      // quadratic time on `++++…`.
      if (kept < end) this.signsEnd = end;
    }
    return this.finish("operator", kept);
  }

  private finish(kind: TokenKind, end: number): TokenKind {
    this.end = end;
    return kind;
  }

  private finishUnterminated(kind: TokenKind): TokenKind {
    this.unterminated = true;
    return this.finish(kind, this.text.length);
  }
}

/** The tokens of a text, one object each; blanks, comments and all. For tests and tools. */
export function* tokensIn(text: string): Generator<Token> {
  const lexer = new Lexer(text);
  while (lexer.next() !== "end") {
    const { kind, start, end, unterminated } = lexer;
    yield { kind, start, end, unterminated };
  }
}

function radixOf(unit: number): 2 | 8 | 16 | undefined {
  switch (unit | 0x20) {
    case 0x78:
      return 16;
    case 0x6f:
      return 8;
    case 0x62:
      return 2;
    default:
      return undefined;
  }
}

function isSign(unit: number): boolean {
  return unit === PLUS || unit === MINUS;
}

/** ``~ ! @ # ^ & | ` ? %``: all but those of which SQL's own operators are made. */
function keepsTrailingSign(unit: number): boolean {
  return !(
    isSign(unit) ||
    unit === STAR ||
    unit === SLASH ||
    (unit >= 0x3c && unit <= EQUALS + 1)
  );
}

import {
  foldedUnit,
  isBlank,
  isDigit,
  isIdentifierPart,
  isLetter,
  isOperatorPart,
  isTagPart,
  unitAt,
} from "./characters.ts";
import {
  bitStringEnd,
  blockCommentEnd,
  escapeStringEnd,
  lineEnd,
  quotedNameEnd,
  stringEnd,
  UNTERMINATED,
} from "./delimited-end.ts";
import { numberEnd } from "./number-end.ts";
import type { Token, TokenKind } from "./token.ts";

const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const AMPERSAND = 0x26;
const QUOTE = 0x27;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const B = 0x62;
const E = 0x65;
const U = 0x75;
const X = 0x78;

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
 * A backslash in a plain `'…'` is a character like others, as `standard_conforming_strings` has it when on,
 * the default since 9.1. With `off` it would take the next character with it, and strings would end
 * elsewhere; so it would with a backslash that is half a character (`client_encoding`). A statement that sets
 * either so is refused (`session-state/no-set`), since later ones of that connection could not be judged; of
 * a session that is so by itself the server says it.
 */
export class Lexer {
  /** The whole text; the offsets count its UTF-16 code units. */
  readonly text: string;
  /** The current token; `"end"` for good when there is none left. */
  kind: TokenKind = "end";
  /** Offset of the current token's first unit. */
  start: number;
  /** Offset behind the current token's last unit. */
  end: number;
  /** True for a string, quoted name or comment that the text ends in. */
  unterminated = false;

  /** Where a run of `+` and `-` ends that are known to be operators of one character each. */
  private signsEnd = 0;

  /** Begins at `from`, which must not lie inside a token. */
  constructor(text: string, from: number = 0) {
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

  /** Whether the current token is this name or keyword, without quotes; `word` in lower case, ASCII. */
  is(word: string): boolean {
    const { start, text } = this;
    if (this.kind !== "identifier" || this.end - start !== word.length) return false;
    for (let index = 0; index < word.length; index++) {
      if (foldedUnit(unitAt(text, start + index)) !== word.charCodeAt(index)) return false;
    }
    return true;
  }

  /** The current token as it was written. */
  slice(): string {
    return this.text.slice(this.start, this.end);
  }

  private read(start: number): TokenKind {
    const { text } = this;
    if (start >= text.length) return "end";
    const unit = unitAt(text, start);
    if (isLetter(unit)) return this.word(unit, start);
    if (isBlank(unit)) return this.blanks(start);
    if (isDigit(unit)) return this.finish("number", numberEnd(text, start));
    if (isOperatorPart(unit)) return this.operatorOrComment(unit, start);
    switch (unit) {
      case QUOTE:
        return this.finish("string", stringEnd(text, start + 1));
      case DOUBLE_QUOTE:
        return this.finish("quoted-identifier", quotedNameEnd(text, start + 1));
      case DOLLAR:
        return this.dollar(start);
      case SEMICOLON:
        return this.finish("separator", start + 1);
      default:
        return this.punctuation(unit, start);
    }
  }

  private blanks(start: number): TokenKind {
    const { text } = this;
    let end = start + 1;
    while (isBlank(unitAt(text, end))) end++;
    return this.finish("whitespace", end);
  }

  /** A name, or a string with a prefix. The prefix is the whole word: `ae'\n'` is a name and a plain string. */
  private word(unit: number, start: number): TokenKind {
    const { text } = this;
    const second = unitAt(text, start + 1);
    if (second === QUOTE) {
      const letter = foldedUnit(unit);
      if (letter === E) return this.finish("escape-string", escapeStringEnd(text, start + 2));
      if (letter === B || letter === X) {
        return this.finish("bit-string", bitStringEnd(text, start + 2));
      }
    } else if (second === AMPERSAND && foldedUnit(unit) === U) {
      const third = unitAt(text, start + 2);
      if (third === QUOTE) return this.finish("unicode-string", stringEnd(text, start + 3));
      if (third === DOUBLE_QUOTE) {
        return this.finish("unicode-identifier", quotedNameEnd(text, start + 3));
      }
    }
    let end = start + 1;
    while (isIdentifierPart(unitAt(text, end))) end++;
    return this.finish("identifier", end);
  }

  /** A parameter, a dollar quote, or a dollar that means nothing. */
  private dollar(start: number): TokenKind {
    const { text } = this;
    let end = start + 1;
    const second = unitAt(text, end);
    if (isDigit(second)) {
      while (isDigit(unitAt(text, end))) end++;
      return this.finish("parameter", end);
    }
    if (isLetter(second)) while (isTagPart(unitAt(text, end))) end++;
    if (unitAt(text, end) !== DOLLAR) return this.finish("punctuation", start + 1);
    // PostgreSQL tries each `$` of the body as the beginning of the closing tag; a plain search finds the same.
    const tag = text.slice(start, end + 1);
    const close = text.indexOf(tag, end + 1);
    return this.finish("dollar-string", close === -1 ? UNTERMINATED : close + tag.length);
  }

  private punctuation(unit: number, start: number): TokenKind {
    const second = unitAt(this.text, start + 1);
    if (unit === DOT && isDigit(second)) {
      return this.finish("number", numberEnd(this.text, start));
    }
    const isPair =
      (unit === COLON && (second === COLON || second === EQUALS)) ||
      (unit === DOT && second === DOT);
    return this.finish("punctuation", start + (isPair ? 2 : 1));
  }

  private operatorOrComment(unit: number, start: number): TokenKind {
    const { text } = this;
    const second = unitAt(text, start + 1);
    if (beginsComment(unit, second)) {
      const end = unit === MINUS ? lineEnd(text, start + 2) : blockCommentEnd(text, start + 2);
      return this.finish("comment", end);
    }
    return start < this.signsEnd ? this.finish("operator", start + 1) : this.operator(start);
  }

  /**
   * The longest run of operator characters up to the beginning of a comment, without the `+` and `-`
   * at its end unless one of ``~ ! @ # ^ & | ` ? %`` stands in it, so that `=-1` is `=`, `-` and `1`.
   */
  private operator(start: number): TokenKind {
    const { text } = this;
    let end = start;
    let keepsSigns = false;
    for (let unit = unitAt(text, end); isOperatorPart(unit);) {
      const second = unitAt(text, end + 1);
      if (beginsComment(unit, second)) break;
      keepsSigns ||= !isOfStandardOperators(unit);
      unit = second;
      end++;
    }
    if (keepsSigns || end === start + 1) return this.finish("operator", end);
    // The signs given back stand each for itself. To find that out for each anew would take quadratic
    // time on `++++…`.
    this.signsEnd = end;
    while (end > start + 1 && isSign(unitAt(text, end - 1))) end--;
    return this.finish("operator", end);
  }

  private finish(kind: TokenKind, end: number): TokenKind {
    this.unterminated = end === UNTERMINATED;
    this.end = end === UNTERMINATED ? this.text.length : end;
    return kind;
  }
}

/** The tokens of a text, blanks and comments included, as objects: for tests and tools. */
export function* tokensIn(text: string): Generator<Token> {
  const lexer = new Lexer(text);
  while (lexer.next() !== "end") {
    const { kind, start, end, unterminated } = lexer;
    yield { kind, start, end, unterminated };
  }
}

function beginsComment(unit: number, second: number): boolean {
  return (unit === MINUS && second === MINUS) || (unit === SLASH && second === STAR);
}

function isSign(unit: number): boolean {
  return unit === PLUS || unit === MINUS;
}

/** `+ - * / < > =`, of which SQL's own operators are made. */
function isOfStandardOperators(unit: number): boolean {
  return (
    isSign(unit) ||
    unit === STAR ||
    unit === SLASH ||
    unit === LESS ||
    unit === EQUALS ||
    unit === GREATER
  );
}

/**
 * What a UTF-16 code unit can begin or continue, as the character classes of PostgreSQL's `scan.l`
 * say. There every byte from 0x80 on belongs to an identifier, so that a no-break space, an
 * ideographic space and a byte-order mark are letters; a lone surrogate, which a driver sends as
 * U+FFFD, is one as well.
 */
const BLANK = 1;
const LETTER = 2;
const DIGIT = 4;
const OPERATOR = 8;
const DOLLAR = 16;

const CLASS = new Uint8Array(128);
addAll(" \t\n\r\f\v", BLANK);
addAll("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", LETTER);
addAll("0123456789", DIGIT);
addAll("~!@#^&|`?+-*/%<>=", OPERATOR);
addAll("$", DOLLAR);

function addAll(characters: string, characterClass: number): void {
  for (const character of characters) CLASS[character.charCodeAt(0)] = characterClass;
}

function classOf(unit: number): number {
  return unit < 128 ? (CLASS[unit] ?? 0) : LETTER;
}

/**
 * The code unit at an offset, 0 behind the end. A NUL in the text means nothing to the lexer either,
 * and `NaN`, which `charCodeAt` would give, makes V8 leave its fast path.
 */
export function unitAt(text: string, offset: number): number {
  return offset < text.length ? text.charCodeAt(offset) : 0;
}

/** `\v` counts as a blank since PostgreSQL 16; before, it is a syntax error, which runs nothing. */
export function isBlank(unit: number): boolean {
  return classOf(unit) === BLANK;
}

/** What ends a line, and with it a `--` comment. */
export function isNewline(unit: number): boolean {
  return unit === 10 || unit === 13;
}

/** What an identifier and the tag of a dollar quote begin with. */
export function isLetter(unit: number): boolean {
  return classOf(unit) === LETTER;
}

/** What the tag of a dollar quote goes on with. */
export function isTagPart(unit: number): boolean {
  return (classOf(unit) & (LETTER | DIGIT)) !== 0;
}

/** What an identifier goes on with: a dollar as well, so that `a$1` and `a$$` are names. */
export function isIdentifierPart(unit: number): boolean {
  return (classOf(unit) & (LETTER | DIGIT | DOLLAR)) !== 0;
}

/** `0` to `9`. */
export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** A digit of a number of this radix. */
export function isDigitOf(radix: 2 | 8 | 10 | 16, unit: number): boolean {
  if (radix !== 16) return unit >= 48 && unit < 48 + radix;
  const folded = unit | 0x20;
  return isDigit(unit) || (folded >= 97 && folded <= 102);
}

/** A character of which operators are made. */
export function isOperatorPart(unit: number): boolean {
  return classOf(unit) === OPERATOR;
}

/** A unit with `A` to `Z` in lower case; nothing else is folded, as in a UTF-8 database. */
export function foldedUnit(unit: number): number {
  return unit >= 65 && unit <= 90 ? unit + 32 : unit;
}

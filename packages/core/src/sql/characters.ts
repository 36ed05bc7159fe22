/**
 * What a UTF-16 code unit can begin or continue, as the character classes of PostgreSQL's `scan.l`
 * say. There every byte from 0x80 on belongs to an identifier, so that a no-break space, an
 * ideographic space and a byte-order mark are letters; a lone surrogate, which a driver sends as
 * U+FFFD, is one as well.
 */
const SPACE = 1;
const LETTER = 2;
const DIGIT = 4;
const OPERATOR = 8;
const DOLLAR = 16;
const HEX = 32;

const CLASS = new Uint8Array(128);
for (const unit of unitsOf(" \t\n\r\f\v")) add(unit, SPACE);
for (const unit of unitsOf("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")) add(unit, LETTER);
for (const unit of unitsOf("0123456789")) add(unit, DIGIT | HEX);
for (const unit of unitsOf("abcdefABCDEF")) add(unit, HEX);
for (const unit of unitsOf("~!@#^&|`?+-*/%<>=")) add(unit, OPERATOR);
for (const unit of unitsOf("$")) add(unit, DOLLAR);

function unitsOf(characters: string): number[] {
  return Array.from(characters, (character) => character.charCodeAt(0));
}

function add(unit: number, characterClass: number): void {
  CLASS[unit] = classOf(unit) | characterClass;
}

/** `NaN`, which `charCodeAt` gives behind the end, is in no class. */
function classOf(unit: number): number {
  return unit >= 128 ? LETTER : (CLASS[unit] ?? 0);
}

/** `\v` counts as a blank since PostgreSQL 16; before, it is a syntax error, which runs nothing. */
export function isBlank(unit: number): boolean {
  return (classOf(unit) & SPACE) !== 0;
}

/** What ends a line, and with it a `--` comment. */
export function isNewline(unit: number): boolean {
  return unit === 10 || unit === 13;
}

/** What an identifier and the tag of a dollar quote begin with. */
export function isLetter(unit: number): boolean {
  return (classOf(unit) & LETTER) !== 0;
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

/** A digit of the radix of a `0x`, `0o` or `0b` number. */
export function isDigitOf(radix: 2 | 8 | 16, unit: number): boolean {
  if (radix === 16) return (classOf(unit) & HEX) !== 0;
  return unit >= 48 && unit < 48 + radix;
}

/** A character of which operators are made. */
export function isOperatorPart(unit: number): boolean {
  return (classOf(unit) & OPERATOR) !== 0;
}

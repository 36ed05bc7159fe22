import { isBlank, unitAt } from "./characters.ts";

const SEMICOLON = 0x3b;
const SLASH = 0x2f;
const STAR = 0x2a;
const QUOTE = 0x27;

/**
 * Offset of the first character behind the blanks and the block comments that a text begins with, as
 * agents that trace a service put them there. A comment in which another stands is left alone.
 */
export function bodyStart(text: string): number {
  let start = skipBlanks(text, 0);
  while (unitAt(text, start) === SLASH && unitAt(text, start + 1) === STAR) {
    const close = text.indexOf("*/", start + 2);
    // With the star of the end: in `/*/*/` a second comment begins, and none has ended.
    if (close === -1 || text.slice(start + 2, close + 1).includes("/*")) return start;
    start = skipBlanks(text, close + 2);
  }
  return start;
}

/**
 * Offset of the comment that a text ends with, blanks and `;` behind it aside; the length of the text
 * where none does that is certain to be one.
 *
 * Read from its end a text does not tell a comment from the end of a string: `SELECT '/*', f(a) -- *` and a
 * slash. So a comment counts only with what sqlcommenter and its kin write in it: words, `%`, `=`, `:`, `,`
 * and an even number of quotes, without `--`. If its beginning lay in a string then so would its
 * end, the end of the text, and PostgreSQL refuses such a text. If it lay in a `--` comment, no line ends
 * in it, and it is left out of that comment.
 */
export function bodyEnd(text: string, from: number): number {
  let end = text.length;
  while (end > from && isBehindStatement(unitAt(text, end - 1))) end--;
  if (unitAt(text, end - 1) !== SLASH || unitAt(text, end - 2) !== STAR) return text.length;
  const start = pairsStart(text, from, end - 2);
  return start > from ? start : text.length;
}

/** Where the comment begins whose text ends at `to`; -1 where it holds something else. */
function pairsStart(text: string, from: number, to: number): number {
  let quotes = 0;
  for (let position = to - 1; position > from; position--) {
    const unit = unitAt(text, position);
    if (unit === STAR && unitAt(text, position - 1) === SLASH) {
      const isWhole = quotes % 2 === 0 && !text.slice(position + 1, to).includes("--");
      return isWhole ? position - 1 : -1;
    }
    if (unit === QUOTE) quotes++;
    else if (!isOfPair(unit)) return -1;
  }
  return -1;
}

/** `A-Z a-z 0-9 _ % = : , . ~ + - / ` and the space. */
function isOfPair(unit: number): boolean {
  return unit < 128 && OF_PAIRS[unit] === 1;
}

const OF_PAIRS = new Uint8Array(128);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_%=:,.~+-/ ") {
  OF_PAIRS[character.charCodeAt(0)] = 1;
}

function isBehindStatement(unit: number): boolean {
  return unit === SEMICOLON || isBlank(unit);
}

function skipBlanks(text: string, from: number): number {
  let position = from;
  while (isBlank(unitAt(text, position))) position++;
  return position;
}

import { isBlank, isDigit, isIdentifierPart, isLetter, unitAt } from "./characters.ts";
import { isHarmlessWord } from "./effects/known-words.ts";
import { folded } from "./name.ts";
import { bodyEnd, bodyStart } from "./outer-comments.ts";

const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const AMPERSAND = 0x26;
const QUOTE = 0x27;
const STAR = 0x2a;
const DOT = 0x2e;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const SMALL_P = 0x70;

/** What a character asks of the scan; 0, of nearly all signs, is nothing. */
const BLANK = 1;
const LETTER = 2;
const STRING = 3;
const NAME = 4;
const OPENING = 5;
/** What decides by what stands behind it: a dot, a comment, a parameter or dollar quote, a `;`. */
const DOUBTFUL = 6;

const ACTIONS = new Uint8Array(128);
for (let unit = 0; unit < 128; unit++) {
  if (isBlank(unit)) ACTIONS[unit] = BLANK;
  else if (isLetter(unit)) ACTIONS[unit] = LETTER;
}
ACTIONS[QUOTE] = STRING;
ACTIONS[DOUBLE_QUOTE] = NAME;
ACTIONS["(".charCodeAt(0)] = OPENING;
for (const sign of ".-/$;") ACTIONS[sign.charCodeAt(0)] = DOUBTFUL;

/** What queries begin with, which nearly all statements are. */
const QUERIES: ReadonlySet<string> = new Set([
  "select",
  "insert",
  "update",
  "delete",
  "with",
  "values",
]);

/** PostgreSQL cuts longer names; and a long word is looked up no more often than it is read. */
const MAX_WORD = 63;

/** What stands behind INTO when the table is a temporary one, or where a keyword hides its name. */
const DOUBTFUL_TARGET = /^(?:temp|temporary|local|global|table|unlogged|pg_temp.*)$/i;

/**
 * What a name begins with that may be more than a column behind a dot: the session's own schema behind the
 * database, or a function in the notation of a field.
 */
const OF_CATALOG = "pg_";

/**
 * Whether a text is one query without an effect, by one look at its characters: a `select`, `insert`,
 * `update`, `delete`, `with` or `values` in which each `(` follows a harmless word or none.
 *
 * Only errs by `false`, as it does for whatever needs a lexer: a comment inside, a backslash, a dollar
 * quote, `U&"…"`, a second statement, a qualified function, the field of an expression.
 */
export function isOrdinary(text: string): boolean {
  const from = bodyStart(text);
  const to = bodyEnd(text, from);
  // With backslashes a quote need not be the end of its string.
  return beginsQuery(text, from, to) && !text.includes("\\") && hasNoEffect(text, from, to);
}

function beginsQuery(text: string, from: number, to: number): boolean {
  let end = from;
  while (end < to && end - from <= 6 && isLetter(unitAt(text, end))) end++;
  return QUERIES.has(folded(text.slice(from, end)));
}

/**
 * The scan. `word` is the offset of the word that was read last when a `(` behind it would call it, -1
 * when nothing would be called, and -2 when the lexer has to say what. `target` is 1 behind INTO and 2
 * behind the name of its table, which columns in parentheses may follow.
 */
function hasNoEffect(text: string, from: number, to: number): boolean {
  let word = -1;
  let wordEnd = 0;
  let target = 0;
  for (let at = from; at < to;) {
    const unit = text.charCodeAt(at);
    const action = unit < 128 ? ACTIONS[unit] : LETTER;
    if (action === BLANK) {
      at++;
      continue;
    }
    if (action === LETTER) {
      const start = at;
      at = wordEndFrom(text, at, to);
      if (at < 0) return false;
      const isQualified = start > 0 && text.charCodeAt(start - 1) === DOT;
      if (isQualified && isWord(text, start, OF_CATALOG)) return false;
      if (target === 1) {
        if (DOUBTFUL_TARGET.test(text.slice(start, at))) return false;
        target = 2;
      } else if (!isQualified) target = isInto(text, start, at) ? 1 : 0;
      if (at - start === 11 && isWord(text, start, "pg_settings")) return false;
      word = isQualified ? -2 : start;
      wordEnd = at;
      continue;
    }
    if (action === NAME) {
      // `U&"…"`
      if (at > 0 && text.charCodeAt(at - 1) === AMPERSAND) return false;
      const isQualified = at > 0 && text.charCodeAt(at - 1) === DOT;
      if (text.charCodeAt(at + 1) === SMALL_P && isOfCatalog(text, at + 1, isQualified))
        return false;
      if (target === 1) {
        if (text.startsWith("pg_temp", at + 1)) return false;
        target = 2;
      } else if (!isQualified) target = 0;
      at = closing(text, at + 1, to, DOUBLE_QUOTE);
      if (at < 0) return false;
      word = -2;
      continue;
    }
    if (action === OPENING) {
      if (word !== -1 && target !== 2 && !isHarmlessFrom(text, word, wordEnd)) return false;
    } else if (action === STRING) {
      at = closing(text, at + 1, to, QUOTE) - 1;
      if (at < 0) return false;
    } else if (action === DOUBTFUL) {
      const next = at + 1 < to ? text.charCodeAt(at + 1) : 0;
      if (unit === DOT) {
        // With a blank behind the dot, the name it qualifies would not be seen to be qualified.
        if (isBlank(next)) return false;
        // Behind what is no name, `(a).b`, a field may be a function. A number goes on.
        if (word === -1 && !isDigit(next)) return false;
        at++;
        continue;
      }
      // The first one decides, so that the rest is read once: `;;;;` would take quadratic time otherwise.
      if (unit === SEMICOLON) return isEmptyFrom(text, at + 1, to);
      if (!isSign(unit, next)) return false;
    }
    at++;
    word = -1;
    target = 0;
  }
  return true;
}

/** Whether a quoted name is the view that sets, or may be more than a column behind a dot. */
function isOfCatalog(text: string, start: number, isQualified: boolean): boolean {
  return (
    text.startsWith('pg_settings"', start) || (isQualified && text.startsWith(OF_CATALOG, start))
  );
}

/** Behind a word; -1 when a dollar stands in it, which might as well begin a string. */
function wordEndFrom(text: string, from: number, to: number): number {
  let end = from + 1;
  for (; end < to; end++) {
    const unit = text.charCodeAt(end);
    if (unit === DOLLAR) return -1;
    if (!isIdentifierPart(unit)) break;
  }
  return end;
}

/** Behind the quote that ends a string or name, or that is doubled: then another begins at once. -1 without one. */
function closing(text: string, from: number, to: number, quote: number): number {
  for (let at = from; at < to; at++) if (text.charCodeAt(at) === quote) return at + 1;
  return -1;
}

/** Whether nothing but blanks and `;` is left. */
function isEmptyFrom(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== SEMICOLON && !isBlank(unit)) return false;
  }
  return true;
}

/** False where a comment or a dollar quote begins. */
function isSign(unit: number, next: number): boolean {
  if (unit === DOLLAR) return isDigit(next);
  return unit === SLASH ? next !== STAR : next !== unit;
}

function isInto(text: string, start: number, end: number): boolean {
  return end - start === 4 && isWord(text, start, "into");
}

function isWord(text: string, start: number, word: string): boolean {
  for (let index = 0; index < word.length; index++) {
    // Of ASCII, only letters become small letters by this, and `_` stays.
    const unit = text.charCodeAt(start + index);
    if (unit !== word.charCodeAt(index) && (unit | 0x20) !== word.charCodeAt(index)) return false;
  }
  return true;
}

function isHarmlessFrom(text: string, start: number, end: number): boolean {
  if (start < 0 || end - start > MAX_WORD) return false;
  return isHarmlessWord(folded(text.slice(start, end)));
}

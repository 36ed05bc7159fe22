import { isBlank, isNewline, unitAt } from "./characters.ts";

/** What the functions of this file give for a text that ends before the token does. */
export const UNTERMINATED = -1;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const DOUBLE_QUOTE = 0x22;
const QUOTE = 0x27;
const STAR = 0x2a;
const MINUS = 0x2d;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;

/** Behind the closing quote of a string in which only `''` is special; `from` lies behind its first quote. */
export function stringEnd(text: string, from: number): number {
  let close = text.indexOf("'", from);
  while (close !== -1) {
    let next = close + 2;
    if (unitAt(text, close + 1) !== QUOTE) {
      next = continuation(text, close + 1);
      if (next === 0) return close + 1;
    }
    close = text.indexOf("'", next);
  }
  return UNTERMINATED;
}

/** The same for `B'…'` and `X'…'`, in which `''` is an end and a beginning. */
export function bitStringEnd(text: string, from: number): number {
  let close = text.indexOf("'", from);
  while (close !== -1) {
    const next = continuation(text, close + 1);
    if (next === 0) return close + 1;
    close = text.indexOf("'", next);
  }
  return UNTERMINATED;
}

/** The same as {@link stringEnd} for `E'…'`, where a backslash takes the next character with it. */
export function escapeStringEnd(text: string, from: number): number {
  let position = from;
  while (position < text.length) {
    const unit = unitAt(text, position);
    if (unit === BACKSLASH) position += 2;
    else if (unit !== QUOTE) position += 1;
    else if (unitAt(text, position + 1) === QUOTE) position += 2;
    else {
      const next = continuation(text, position + 1);
      if (next === 0) return position + 1;
      position = next;
    }
  }
  return UNTERMINATED;
}

/**
 * Behind the quote that takes a string up again, or 0: between the two quotes stand blanks and
 * `--` comments and at least one line break (`quotecontinue` in `scan.l`).
 */
function continuation(text: string, from: number): number {
  let isOnNextLine = false;
  for (let position = from; ; position++) {
    const unit = unitAt(text, position);
    if (unit === QUOTE) return isOnNextLine ? position + 1 : 0;
    if (unit === MINUS && unitAt(text, position + 1) === MINUS) {
      position = lineEnd(text, position + 2);
      isOnNextLine = true;
    } else if (isNewline(unit)) isOnNextLine = true;
    else if (!isBlank(unit)) return 0;
  }
}

/** Behind the closing quote of `"…"`. */
export function quotedNameEnd(text: string, from: number): number {
  let close = text.indexOf('"', from);
  while (close !== -1 && unitAt(text, close + 1) === DOUBLE_QUOTE) {
    close = text.indexOf('"', close + 2);
  }
  return close === -1 ? UNTERMINATED : close + 1;
}

/** At the line break that ends a `--` comment, or at the end of the text. */
export function lineEnd(text: string, from: number): number {
  for (let position = from; position < text.length; position++) {
    const unit = unitAt(text, position);
    if (unit === NEWLINE || unit === RETURN) return position;
  }
  return text.length;
}

/** Behind the `*` and `/` that close a block comment and all those nested in it. */
export function blockCommentEnd(text: string, from: number): number {
  let depth = 1;
  for (let position = from; position < text.length; position++) {
    const unit = unitAt(text, position);
    if (unit === STAR && unitAt(text, position + 1) === SLASH) {
      position++;
      depth--;
      if (depth === 0) return position + 1;
    } else if (unit === SLASH && unitAt(text, position + 1) === STAR) {
      position++;
      depth++;
    }
  }
  return UNTERMINATED;
}

import { isDigit, isDigitOf, unitAt } from "./characters.ts";

const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const UNDERSCORE = 0x5f;

/**
 * Where the number ends that begins at `start` with a digit, or with a point before a digit.
 * `0x`, `0o`, `0b` and underscores are of PostgreSQL 16; older versions read a name behind the
 * digits there.
 */
export function numberEnd(text: string, start: number): number {
  if (unitAt(text, start) === ZERO) {
    const radix = radixOf(unitAt(text, start + 1));
    const end = radix === undefined ? start : digitsEnd(text, start + 2, radix);
    if (end > start + 2) return end;
  }
  let end = digitsEnd(text, start, 10);
  if (unitAt(text, end) === DOT) {
    const second = unitAt(text, end + 1);
    // `1..2` is the range of a PL/pgSQL loop: a number, two dots, a number.
    if (second === DOT) return end;
    end = isDigit(second) ? digitsEnd(text, end + 1, 10) : end + 1;
  }
  return exponentEnd(text, end);
}

function exponentEnd(text: string, from: number): number {
  if ((unitAt(text, from) | 0x20) !== 0x65) return from;
  const sign = unitAt(text, from + 1);
  const digits = sign === PLUS || sign === MINUS ? from + 2 : from + 1;
  return isDigit(unitAt(text, digits)) ? digitsEnd(text, digits, 10) : from;
}

/** Past digits with single underscores between them; only behind `0x` and its like may one come first. */
function digitsEnd(text: string, from: number, radix: 2 | 8 | 10 | 16): number {
  let position = from;
  for (;;) {
    const unit = unitAt(text, position);
    const digit = unit === UNDERSCORE ? unitAt(text, position + 1) : unit;
    if (!isDigitOf(radix, digit)) return position;
    position += unit === UNDERSCORE ? 2 : 1;
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

import { constantOf } from "./constant.ts";
import type { Lexer } from "./lexer.ts";

/** `NAMEDATALEN - 1`: PostgreSQL cuts a longer name, so two that differ behind it are one. */
const MAX_NAME_BYTES = 63;

const BACKSLASH = "\\";

/**
 * The name that the lexer stands on, as PostgreSQL keeps it: without quotes, folded if it had none,
 * cut to 63 bytes of UTF-8. Goes to the token behind the name and its `UESCAPE`.
 *
 * `undefined` when there is no name, or one that PostgreSQL refuses or that cannot be read: `UESCAPE E'\041'`
 * names its character by an escape.
 */
export function readName(lexer: Lexer): string | undefined {
  const { kind } = lexer;
  const text = lexer.slice();
  const isWhole = !lexer.unterminated;
  if (kind === "identifier" || kind === "quoted-identifier" || kind === "unicode-identifier") {
    lexer.nextSignificant();
  }
  if (!isWhole) return undefined;
  if (kind === "identifier") return cut(folded(text));
  if (kind === "quoted-identifier") return cut(unquoted(text, 1));
  if (kind !== "unicode-identifier") return undefined;
  const escape = readEscapeCharacter(lexer);
  const decoded = escape === undefined ? undefined : withoutEscapes(unquoted(text, 3), escape);
  return decoded === undefined ? undefined : cut(decoded);
}

/** An unquoted name or keyword with `A` to `Z` in lower case; other letters stay, as in a UTF-8 database. */
export function folded(text: string): string {
  // `toLowerCase` of the Kelvin sign is `k`.
  return /[\u0080-\uffff]/.test(text)
    ? text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
    : text.toLowerCase();
}

function unquoted(text: string, prefix: number): string {
  return text.slice(prefix, -1).replaceAll('""', '"');
}

/** The character behind `UESCAPE`, a backslash without one; `undefined` for one that PostgreSQL refuses. */
function readEscapeCharacter(lexer: Lexer): string | undefined {
  if (!lexer.is("uescape")) return BACKSLASH;
  const kind = lexer.nextSignificant();
  // Of any form but `U&'…'` (`base_yylex` in the server's `parser.c`), and one character of few restrictions
  // (`check_uescapechar`).
  const escape = kind === "unicode-string" ? undefined : constantOf(lexer);
  if (kind === "end") return undefined;
  lexer.nextSignificant();
  return escape !== undefined && /^[^0-9a-fA-F+'"\s]$/u.test(escape) ? escape : undefined;
}

function withoutEscapes(text: string, escape: string): string | undefined {
  let decoded = "";
  for (let position = 0; position < text.length;) {
    const next = text.indexOf(escape, position);
    if (next === -1) return decoded + text.slice(position);
    decoded += text.slice(position, next);
    const behind = next + escape.length;
    if (text.startsWith(escape, behind)) {
      decoded += escape;
      position = behind + escape.length;
      continue;
    }
    const digits = /^(?:[0-9a-f]{4}|\+[0-9a-f]{6})/i.exec(text.slice(behind, behind + 7))?.[0];
    const point = digits === undefined ? 0 : Number.parseInt(digits.replace("+", ""), 16);
    if (digits === undefined || point === 0 || point > 0x10ffff) return undefined;
    // Halves of a surrogate pair may be written one after the other; they meet in the string.
    decoded += String.fromCodePoint(point);
    position = behind + digits.length;
  }
  return decoded;
}

/** Whole characters of at most 63 bytes together. */
function cut(name: string): string {
  let bytes = 0;
  let length = 0;
  for (const character of name) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > MAX_NAME_BYTES) return name.slice(0, length);
    length += character.length;
  }
  return name;
}

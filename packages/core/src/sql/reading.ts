import { booleanOf } from "./constant.ts";

/** The parameter that says what a backslash is in a plain string. */
const STANDARD_STRINGS = "standard_conforming_strings";

/** The parameter that says what the bytes of a text are; `SET NAMES` sets it. */
export const CLIENT_ENCODING = "client_encoding";

/** Whether the server reads every text that follows by this parameter. */
export function isOfReading(parameter: unknown): boolean {
  return parameter === STANDARD_STRINGS || parameter === CLIENT_ENCODING;
}

/**
 * Whether the server, with this value of a parameter of reading, takes a text for what it shows.
 *
 * - `standard_conforming_strings`: when it is on. With it off a backslash escapes in a plain string.
 * - `client_encoding`: when it is UTF-8, which drivers for Node send whatever it says, or when nothing is
 *   converted (`SQL_ASCII`). In SJIS, Big5, GBK, UHC, Johab and GB18030 a backslash is also the second half
 *   of a character, and is gone before the server looks for the end of a string, the reason why no server
 *   has them (PostgreSQL's manual, "Character Set Support"; seen with PostgreSQL 17): `E'Á\'` is a whole string.
 *
 * No value means something to both, so that it can be told of a parameter whose name is bound.
 */
export function isReadAsShown(value: string): boolean {
  return booleanOf(value) === true || OWN_ENCODINGS.has(encodingName(value));
}

/** Whether a session with this value of a parameter, in any spelling of both, cannot be judged by its texts. */
export function hidesTexts(parameter: string, value: string): boolean {
  return isOfReading(parameter.toLowerCase()) && !isReadAsShown(value);
}

const OWN_ENCODINGS: ReadonlySet<string> = new Set(["utf8", "unicode", "sqlascii"]);

/** As `pg_char_to_encoding` of the server compares it: letters and digits alone, without regard to case. */
function encodingName(value: string): string {
  return value.replaceAll(/[^A-Za-z0-9]/g, "").toLowerCase();
}

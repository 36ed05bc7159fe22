/**
 * What a stretch of SQL text is to PostgreSQL's lexer. A keyword is an `identifier`; which of them
 * is a keyword depends on where it stands.
 *
 * - `end`: the text is over; the token is empty.
 * - `whitespace`, `comment`: between tokens. A nested block comment is one token.
 * - `identifier`: a name or keyword without quotes. The `N` of `N'…'` is one too, as it is in PostgreSQL.
 * - `quoted-identifier`, `unicode-identifier`: `"…"`, `U&"…"`.
 * - `string`, `escape-string`, `unicode-string`, `dollar-string`: `'…'`, `E'…'`, `U&'…'`, `$tag$…$tag$`.
 *   A string that goes on after a line break is one token from its first to its last quote.
 * - `bit-string`: `B'…'` and `X'…'`.
 * - `number`: without a sign; `parameter`: `$1`.
 * - `operator`: also the single `+ - * / % ^ < > =`, and `=>`.
 * - `punctuation`: `, ( ) [ ] . :`, `::`, `:=`, `..`, and each character that means nothing to PostgreSQL.
 * - `separator`: `;`, wherever it stands.
 */
export type TokenKind =
  | "end"
  | "whitespace"
  | "comment"
  | "identifier"
  | "quoted-identifier"
  | "unicode-identifier"
  | "string"
  | "escape-string"
  | "unicode-string"
  | "dollar-string"
  | "bit-string"
  | "number"
  | "parameter"
  | "operator"
  | "punctuation"
  | "separator";

/** A token as data, for those who keep tokens. */
export interface Token {
  readonly kind: TokenKind;
  /** Offset of its first UTF-16 code unit. */
  readonly start: number;
  /** Offset behind its last UTF-16 code unit. */
  readonly end: number;
  /** True for a string, quoted name or comment that the text ends in; PostgreSQL refuses such a text whole. */
  readonly unterminated: boolean;
}

/** True for a string constant of any form, save bit strings. */
export function isStringKind(kind: TokenKind): boolean {
  return (
    kind === "string" ||
    kind === "escape-string" ||
    kind === "unicode-string" ||
    kind === "dollar-string"
  );
}

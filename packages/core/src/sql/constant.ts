import type { Lexer } from "./lexer.ts";

/** The value of the string constant that the lexer stands on, where it has no escape and no comment between its pieces. */
export function constantOf(lexer: Lexer): string | undefined {
  if (lexer.unterminated) return undefined;
  const token = lexer.slice();
  switch (lexer.kind) {
    case "string":
      return plainValue(token.slice(1, -1));
    case "escape-string":
      return token.includes("\\") ? undefined : plainValue(token.slice(2, -1));
    case "unicode-string":
      // Without a backslash nothing is escaped, unless by a character that UESCAPE names behind it.
      return token.includes("\\") ? undefined : plainValue(token.slice(3, -1));
    case "dollar-string": {
      const tag = token.indexOf("$", 1) + 1;
      return token.slice(tag, -tag);
    }
    default:
      return undefined;
  }
}

function plainValue(content: string): string | undefined {
  // A doubled quote is one; with blanks between them, one ends a line's piece and the other begins the next.
  const quotes = /''|'\s+'/g;
  // One that is left has a comment between the pieces.
  if (content.replaceAll(quotes, "").includes("'")) return undefined;
  return content.replaceAll(quotes, (found) => (found === "''" ? "'" : ""));
}

/** As `parse_bool_with_len` of the server reads it: any beginning that is unique, and blanks around it. */
export function booleanOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === "") return undefined;
  if (word === "1" || word === "on" || "true".startsWith(word) || "yes".startsWith(word))
    return true;
  const isFalse =
    word === "0" ||
    word === "of" ||
    word === "off" ||
    "false".startsWith(word) ||
    "no".startsWith(word);
  return isFalse ? false : undefined;
}

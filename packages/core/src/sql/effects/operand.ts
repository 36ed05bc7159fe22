import type { Operand, SettingScope } from "../effect.ts";
import { Lexer } from "../lexer.ts";
import { readName } from "../name.ts";
import { Phrase } from "../phrase.ts";

/** Types whose cast leaves what a constant means as a text or as a truth value. */
const TRANSPARENT_TYPES: ReadonlySet<string> = new Set(
  "text varchar name bool boolean int int4 integer".split(" "),
);

/** An argument of a call: `'a'`, or `is_local => true`. */
export interface Argument {
  /** In named notation. */
  readonly name?: string;
  readonly value: Operand;
}

/**
 * Reads an argument that is a constant or a bound parameter, in parentheses and casts or not. `true`,
 * `false` and numbers are given as they are written, `NULL` as `"null"`; all else, constants with
 * escapes among it, is `undefined`.
 */
export function readArgument(text: string): Argument {
  const phrase = new OperandPhrase(text);
  const name = phrase.argumentName();
  const value = phrase.operand();
  return { ...(name !== undefined && { name }), value: phrase.isAtEnd ? value : undefined };
}

class OperandPhrase extends Phrase {
  constructor(text: string) {
    super(text, 0);
  }

  /** Goes past `name =>` or `name :=`. */
  argumentName(): string | undefined {
    const { start, text } = this.lexer;
    const ahead = new Lexer(text, start);
    ahead.nextSignificant();
    const name = readName(ahead);
    const sign = ahead.slice();
    if (name === undefined || (sign !== "=>" && sign !== ":=")) return undefined;
    this.name();
    this.advance();
    return name;
  }

  /** Leaves the phrase before its end when it is none. */
  operand(): Operand {
    let open = 0;
    let casts = 0;
    for (; this.acceptSign("("); open++);
    while (this.accept("cast") && this.acceptSign("(")) casts++;
    for (; this.acceptSign("("); open++);
    const value = this.primary();
    while (!this.isAtEnd) {
      if (this.acceptSign("::")) {
        if (!this.type()) return undefined;
      } else if (this.acceptSign(")")) {
        if (open > 0) open--;
        else casts--;
      } else if (casts > 0 && this.accept("as")) {
        if (!this.type()) return undefined;
      } else return undefined;
    }
    return open === 0 && casts === 0 ? value : undefined;
  }

  private primary(): Operand {
    switch (this.lexer.kind) {
      case "parameter": {
        const parameter = Number(this.lexer.slice().slice(1));
        this.advance();
        return { parameter };
      }
      case "number":
        return this.token();
      case "identifier": {
        const constant = this.acceptOneOf("true", "false", "null");
        if (constant !== undefined) return constant;
        // `boolean 'f'`
        return this.type() ? this.constant() : undefined;
      }
      case "quoted-identifier":
        return this.type() ? this.constant() : undefined;
      default:
        return this.constant();
    }
  }

  private token(): string {
    const token = this.lexer.slice();
    this.advance();
    return token;
  }

  private constant(): string | undefined {
    const value = constantOf(this.lexer);
    if (value !== undefined) this.advance();
    return value;
  }

  private type(): boolean {
    if (this.accept("pg_catalog")) this.expect(this.acceptSign("."));
    if (this.accept("character")) return this.accept("varying");
    return TRANSPARENT_TYPES.has(this.name());
  }
}

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

/** How long a setting lasts by the third argument of `set_config()`. */
export function scopeOf(isLocal: Operand): SettingScope | { parameter: number } | undefined {
  if (typeof isLocal !== "string") return isLocal;
  const isTrue = booleanOf(isLocal);
  return isTrue === undefined ? undefined : isTrue ? "transaction" : "session";
}

/** As `parse_bool_with_len` of the server reads it: any beginning that is unique, and blanks around it. `NULL` counts as false. */
export function booleanOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === "") return undefined;
  if (word === "1" || word === "on" || "true".startsWith(word) || "yes".startsWith(word))
    return true;
  const isFalse =
    word === "0" ||
    word === "null" ||
    word === "of" ||
    word === "off" ||
    "false".startsWith(word) ||
    "no".startsWith(word);
  return isFalse ? false : undefined;
}

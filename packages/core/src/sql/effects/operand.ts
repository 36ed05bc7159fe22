import { booleanOf, constantOf } from "../constant.ts";
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

/** How long a setting lasts by the third argument of `set_config()`, which takes NULL for false. */
export function scopeOf(isLocal: Operand): SettingScope | { parameter: number } | undefined {
  if (typeof isLocal !== "string") return isLocal;
  const isTrue = isLocal === "null" ? false : booleanOf(isLocal);
  return isTrue === undefined ? undefined : isTrue ? "transaction" : "session";
}

import { isIdentifierPart, unitAt } from "./characters.ts";
import { Lexer } from "./lexer.ts";
import type { TokenKind } from "./token.ts";

const DEFAULT_MAX_LENGTH = 500;

/** Nothing is read behind this, so that the report of a huge text does not hold up the event loop. */
const MAX_READ = 1_000_000;

/** What stands for a literal. */
const REPLACEMENT = "?";

/** What stands for all that is left out at the end. */
const ELLIPSIS = "…";

/** Quoted names as people and ORMs give them. */
const PLAIN_NAME = /^"[\p{L}\p{N}_$.-]{1,63}"$/u;

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;

const NAMES: ReadonlySet<TokenKind> = new Set([
  "identifier",
  "quoted-identifier",
  "unicode-identifier",
]);

const LITERALS: ReadonlySet<TokenKind> = new Set([
  "string",
  "escape-string",
  "unicode-string",
  "dollar-string",
  "bit-string",
  "number",
]);

/**
 * A statement for reports: its literals replaced by `?`, comments dropped, blanks folded to one, and
 * cut with `…` before the token that would go beyond `maxLength` (500 UTF-16 code units). Keywords,
 * names and parameters stay.
 *
 * Literals are strings of all forms and numbers; also what `SET` and `ALTER … SET` give to a setting,
 * which may be written as a name (`SET app.tenant = acme`), and a quoted name with characters that
 * names seldom have. Comments carry trace ids and whatever else people put there.
 *
 * Where it is in doubt what is a literal, everything from the first literal on is left out: a quote
 * that is not closed; one with a backslash before it, which ends the string or not by a setting of
 * the server; a literal or quoted name that touches a word, as in `'O'Brien'` or an uuid without
 * quotes; a text of more than a million characters.
 */
export function scrubStatement(text: string, maxLength: number = DEFAULT_MAX_LENGTH): string {
  const shown = new ShownText(maxLength);
  const assignment = new Assignment();
  const lexer = new Lexer(text);
  let hasGap = false;
  for (let kind = lexer.next(); kind !== "end"; kind = lexer.next()) {
    if (isDoubtful(lexer)) return shown.upToFirstLiteral();
    if (kind === "whitespace" || kind === "comment") {
      hasGap = true;
      continue;
    }
    if (isLiteral(lexer) || (assignment.isOpen && NAMES.has(kind))) shown.addLiteral(hasGap);
    else shown.add(lexer, hasGap);
    assignment.see(lexer);
    hasGap = false;
  }
  return shown.whole();
}

function isLiteral(lexer: Lexer): boolean {
  if (LITERALS.has(lexer.kind)) return true;
  const isQuotedName = lexer.kind === "quoted-identifier" || lexer.kind === "unicode-identifier";
  return isQuotedName && !PLAIN_NAME.test(lexer.slice());
}

function isDoubtful(lexer: Lexer): boolean {
  const { end, kind, text } = lexer;
  if (lexer.unterminated || end > MAX_READ) return true;
  if (!LITERALS.has(kind) && kind !== "quoted-identifier" && kind !== "unicode-identifier") {
    return false;
  }
  const second = unitAt(text, end);
  if (isIdentifierPart(second) || second === QUOTE || second === DOUBLE_QUOTE) return true;
  return (kind === "string" || kind === "unicode-string") && lexer.slice().includes(String.raw`\'`);
}

/** What of a statement is shown so far. Goes on counting literals, not keeping them, when it is full. */
class ShownText {
  private readonly maxLength: number;
  private readonly parts: string[] = [];
  private length = 0;
  private isFull = false;
  /** How many parts stand before the first literal. */
  private certain: number | undefined;

  constructor(maxLength: number) {
    this.maxLength = maxLength;
  }

  add(lexer: Lexer, hasGap: boolean): void {
    if (!this.isFull) this.append(lexer.slice(), hasGap);
  }

  addLiteral(hasGap: boolean): void {
    this.certain ??= this.parts.length;
    if (!this.isFull) this.append(REPLACEMENT, hasGap);
  }

  whole(): string {
    return this.parts.join("") + (this.isFull ? ELLIPSIS : "");
  }

  upToFirstLiteral(): string {
    return this.parts.slice(0, this.certain).join("") + ELLIPSIS;
  }

  private append(part: string, hasGap: boolean): void {
    const spaced = hasGap && this.parts.length > 0 ? ` ${part}` : part;
    this.length += spaced.length;
    this.isFull = this.length > this.maxLength;
    if (!this.isFull) this.parts.push(spaced);
  }
}

/** Whether the current token belongs to the value that `SET` or `ALTER … SET` gives to a setting. */
class Assignment {
  isOpen = false;
  private statement: "new" | "alter" | "set" | "other" = "new";

  see(lexer: Lexer): void {
    if (lexer.kind === "separator") {
      this.statement = "new";
      this.isOpen = false;
    } else if (this.statement === "set") {
      this.isOpen ||= lexer.is("to") || lexer.slice() === "=";
    } else if (this.statement !== "other") {
      this.statement = this.next(lexer);
    }
  }

  private next(lexer: Lexer): "alter" | "set" | "other" {
    if (lexer.is("set")) return "set";
    return this.statement === "alter" || lexer.is("alter") ? "alter" : "other";
  }
}

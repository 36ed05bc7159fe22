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

/** What statements begin with, of those that hold literals often. */
const COMMANDS: readonly string[] =
  "select insert update delete merge with values call execute do copy create alter comment set prepare".split(
    " ",
  );

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
 * Where it is in doubt what is a literal, the first word is all that is shown: in a text with a quote
 * that is not closed; with one behind a backslash, which ends the string or not by a setting of the
 * server; with a literal or quoted name that touches a word, as in `'O'Brien'` or an uuid without
 * quotes; in a text of more than a million characters.
 */
export function scrubStatement(text: string, maxLength: number = DEFAULT_MAX_LENGTH): string {
  const shown = new ShownText(maxLength);
  const assignment = new Assignment();
  const lexer = new Lexer(text);
  let hasGap = false;
  for (let kind = lexer.next(); kind !== "end"; kind = lexer.next()) {
    if (isDoubtful(lexer)) return firstWord(text);
    if (kind === "whitespace" || kind === "comment") {
      hasGap = true;
      continue;
    }
    if (!shown.isFull) {
      const isReplaced = isLiteral(lexer) || (assignment.isOpen && NAMES.has(kind));
      shown.add(isReplaced ? REPLACEMENT : lexer.slice(), hasGap);
    }
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
  const { end, kind } = lexer;
  if (lexer.unterminated || end > MAX_READ) return true;
  if (!LITERALS.has(kind) && kind !== "quoted-identifier" && kind !== "unicode-identifier") {
    return false;
  }
  if (touchesWord(lexer)) return true;
  return (kind === "string" || kind === "unicode-string") && lexer.slice().includes(String.raw`\'`);
}

function touchesWord({ end, text }: Lexer): boolean {
  const second = unitAt(text, end);
  return isIdentifierPart(second) || second === QUOTE || second === DOUBLE_QUOTE;
}

/** All that is known for certain of a text that cannot be read. */
function firstWord(text: string): string {
  const lexer = new Lexer(text);
  lexer.nextSignificant();
  return (COMMANDS.some((command) => lexer.is(command)) ? lexer.slice() : "") + ELLIPSIS;
}

/** What of a statement is shown. When it is full the text is read on all the same, for the doubt behind. */
class ShownText {
  isFull = false;
  private readonly maxLength: number;
  private readonly parts: string[] = [];
  private length = 0;

  constructor(maxLength: number) {
    this.maxLength = maxLength;
  }

  add(part: string, hasGap: boolean): void {
    const spaced = hasGap && this.parts.length > 0 ? ` ${part}` : part;
    this.length += spaced.length;
    this.isFull = this.length > this.maxLength;
    if (!this.isFull) this.parts.push(spaced);
  }

  whole(): string {
    return this.parts.join("") + (this.isFull ? ELLIPSIS : "");
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

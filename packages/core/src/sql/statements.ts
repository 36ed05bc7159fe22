import { Lexer } from "./lexer.ts";
import { folded } from "./name.ts";
import { Nesting } from "./nesting.ts";

/** Enough to tell all statements apart: `create or replace temporary recursive view` has six. */
const MAX_WORDS = 8;

/** A statement inside a text: from its first token to its last, without the `;`. Never empty. */
export interface Statement {
  /** Its place among the statements of the text, from 0: that of its result in the server's answer. */
  readonly index: number;
  /** Offset of its first token's first unit. */
  readonly start: number;
  /** Offset behind its last token's last unit. */
  readonly end: number;
  /** The names and keywords without quotes that it begins with, in lower case, up to eight. */
  readonly words: readonly string[];
  /** True when no other statement stands in the text. */
  readonly isOnly: boolean;
}

/**
 * The statements of a text, as PostgreSQL's grammar separates them: at each `;`, save those in the
 * parentheses of a `CREATE RULE` and in the `BEGIN ATOMIC … END` body of a function (PostgreSQL 14).
 * Empty statements are left out, as the server leaves them out.
 *
 * A text that PostgreSQL refuses to parse runs no statement at all, so nothing hangs on where such a
 * text is cut. Holds two statements at a time, however many there are.
 */
export function* statementsIn(text: string): Generator<Statement> {
  const lexer = new Lexer(text);
  let current = readStatement(lexer);
  for (let index = 0; current !== undefined; index++) {
    const following = readStatement(lexer);
    yield { index, ...current, isOnly: index === 0 && following === undefined };
    current = following;
  }
}

/** The next statement that is not empty; the lexer then stands on its `;` or at the end of the text. */
function readStatement(lexer: Lexer): Pick<Statement, "start" | "end" | "words"> | undefined {
  let kind = lexer.nextSignificant();
  while (kind === "separator") kind = lexer.nextSignificant();
  if (kind === "end") return undefined;

  const { start } = lexer;
  let end = start;
  const words: string[] = [];
  let isHead = true;
  const nesting = new Nesting();
  for (; kind !== "end"; kind = lexer.nextSignificant()) {
    if (kind === "separator" && nesting.isOutside) break;
    nesting.see(lexer);
    isHead &&= kind === "identifier" && words.length < MAX_WORDS;
    if (isHead) words.push(folded(lexer.slice()));
    end = lexer.end;
  }
  return { start, end, words };
}

import { tokensIn } from "../../src/sql/lexer.ts";
import { statementsIn } from "../../src/sql/statements.ts";
import { transactionControlsIn } from "../../src/sql/transaction-control.ts";
import { oracleStatements, oracleTokens } from "./oracle.ts";

/**
 * Where libpg_query is not PostgreSQL. Texts with one of these are not compared; what we make of them
 * stands in the tables, as a server answered it.
 */
const EXCEPTIONS: readonly { readonly reason: string; readonly pattern: RegExp }[] = [
  {
    // PostgreSQL 15.18: `select 'a' --c⏎ 'b'` is one row `ab`.
    reason:
      "libpg_query makes comments tokens, and for that takes them out of the gap inside a string that goes on in the next line",
    pattern: /'\s*--[^\n\r]*[\n\r](?:\s|--[^\n\r]*[\n\r])*'/,
  },
];

/** What a text was good for: one that PostgreSQL refuses proves less than one that it takes. */
export interface Comparison {
  /** Each disagreement in words, with the text; empty when there is none. */
  readonly disagreements: readonly string[];
  readonly wasScanned: boolean;
  readonly wasParsed: boolean;
}

const NOTHING: Comparison = { disagreements: [], wasScanned: false, wasParsed: false };

/** Reads a text with ours and with PostgreSQL's own lexer and parser; tokens, statements and acts must be the same. */
export function compare(text: string): Comparison {
  if (EXCEPTIONS.some(({ pattern }) => pattern.test(text))) return NOTHING;
  const tokens = oracleTokens(text);
  const statements = oracleStatements(text);
  const ours = [...statementsIn(text)];
  return {
    wasScanned: tokens !== undefined,
    wasParsed: statements !== undefined,
    disagreements: [
      ...difference(text, "tokens", ourTokens(text), tokens),
      ...difference(text, "statements", ours.map(extentOf), statements?.map(extentOf)),
      ...difference(
        text,
        "acts",
        ourActs(text),
        statements?.flatMap(({ act }, index) => (act === undefined ? [] : [{ index, ...act }])),
      ),
    ],
  };
}

function ourTokens(text: string): unknown[] {
  return Array.from(tokensIn(text), ({ kind, start, end, unterminated }) =>
    // PostgreSQL refuses a text that we call unterminated, so there is nothing to compare it with.
    unterminated ? { kind, start, end, unterminated } : { kind, start, end },
  ).filter(({ kind }) => kind !== "whitespace");
}

function ourActs(text: string): unknown[] {
  return Array.from(transactionControlsIn(text), ({ statement, isUnderstood, ...act }) =>
    // PostgreSQL refuses what we do not understand.
    isUnderstood ? { index: statement.index, ...act } : { isUnderstood, ...act },
  );
}

function extentOf({ start, end }: { start: number; end: number }): unknown {
  return { start, end };
}

function difference(text: string, what: string, ours: unknown, theirs: unknown): string[] {
  if (theirs === undefined) return [];
  const [left, right] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return left === right
    ? []
    : [`${what} of ${JSON.stringify(text)}\n  ours   ${left}\n  theirs ${right}`];
}

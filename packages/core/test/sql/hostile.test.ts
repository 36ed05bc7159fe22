import { describe, expect, test } from "vitest";

import { EffectCache } from "../../src/sql/effect-cache.ts";
import { effectsOf } from "../../src/sql/effects.ts";
import { Lexer, tokensIn } from "../../src/sql/lexer.ts";
import { scrubStatement } from "../../src/sql/scrub.ts";
import { statementsIn } from "../../src/sql/statements.ts";
import { transactionControlsIn } from "../../src/sql/transaction-control.ts";
import { mutated, randomOf, script, tokenSoup } from "./generate.ts";

/** Everything that is made of a text. */
function readAll(text: string): void {
  const lexer = new Lexer(text);
  while (lexer.next() !== "end");
  for (const statement of statementsIn(text)) void statement;
  for (const control of transactionControlsIn(text)) void control;
  scrubStatement(text);
  effectsOf(text);
  effectsOf(`select ${text}`);
  new EffectCache({ maxLength: Infinity }).effectsOf(text);
}

/** How many characters were looked at: a measure of time that is the same on every machine. */
function stepsFor(text: string): number {
  let steps = 0;
  const original = Object.getOwnPropertyDescriptors(String.prototype);
  const { value: charCodeAt } = original.charCodeAt;
  const { value: indexOf } = original.indexOf;
  // Every method that takes a regular expression calls it.
  const search = Object.getOwnPropertyDescriptors(RegExp.prototype);
  const { value: exec } = search.exec;
  // All are put back before anything else runs.
  // oxlint-disable-next-line no-extend-native
  Object.defineProperties(String.prototype, {
    charCodeAt: {
      ...original.charCodeAt,
      value(this: string, index: number) {
        steps++;
        return charCodeAt?.call(this, index);
      },
    },
    indexOf: {
      ...original.indexOf,
      value(this: string, part: string, from = 0) {
        const found = indexOf?.call(this, part, from) ?? -1;
        steps += (found === -1 ? this.length : found) - from + 1;
        return found;
      },
    },
  });
  // oxlint-disable-next-line no-extend-native
  Object.defineProperty(RegExp.prototype, "exec", {
    ...search.exec,
    value(this: RegExp, searched: string) {
      const from = this.global ? this.lastIndex : 0;
      const found = exec?.call(this, searched) ?? null;
      steps += (found === null ? searched.length : found.index + found[0].length) - from + 1;
      return found;
    },
  });
  try {
    readAll(text);
  } finally {
    // oxlint-disable-next-line no-extend-native
    Object.defineProperty(RegExp.prototype, "exec", search.exec);
    // oxlint-disable-next-line no-extend-native
    Object.defineProperties(String.prototype, {
      charCodeAt: original.charCodeAt,
      indexOf: original.indexOf,
    });
  }
  return steps;
}

describe("the work grows with the length of the text and no faster", () => {
  const pieces = [
    "+",
    "-+",
    "<+",
    "@+",
    "*",
    "/",
    "/*",
    "/*/*/",
    "*/",
    "/**/",
    "--",
    "--\n",
    "'",
    "''",
    "'a' ",
    "'\n",
    "'a'\n",
    "'a'--b\n",
    "'a' -- b",
    "e'\\",
    "e'\\''",
    "b'",
    "u&'",
    '"',
    '""',
    '"a" ',
    'U&"',
    "$",
    "$$",
    "$a",
    "$a$",
    "$a$ $b$ ",
    "$1",
    "1",
    "1_",
    "1.",
    "1e",
    "0x",
    ".",
    "..",
    ":",
    ";",
    "; ",
    ";'",
    "(",
    ")",
    "a",
    "a ",
    "é",
    "\u00a0",
    "\u0000",
    "\ud800",
    "\\",
    "?",
    "begin;",
    "begin read only,",
    "set transaction ",
    "savepoint ",
    "create function f() begin atomic ",
    "create ",
    "case end ",
    "end;",
    "a = 1, ",
    "select 'x'; ",
    "set_config(",
    "set_config('a',",
    "pg_notify((",
    "nextval('s'), ",
    "f(",
    "a.f(",
    'U&"f" uescape ',
    "with a(b) as (",
    "explain ",
    "explain analyze create table a as execute b(",
    "create temp table a (b) on commit drop as ",
    "into temp ",
    "update only (",
    "set local ",
    "cast(",
    "/*a='b'*/",
  ];
  for (const piece of pieces) {
    test(`${JSON.stringify(piece)}, repeated`, () => {
      const [single, double] = [1_000, 2_000].map((count) => stepsFor(piece.repeat(count)));

      expect(double).toBeLessThan((single ?? 0) * 2.05 + 100);
      expect(double).toBeLessThan(piece.length * 2_000 * 50);
    });
  }
});

test("a text of a million nested comments is read without a deep stack", () => {
  const text = `${"/*".repeat(1_000_000)}${"*/".repeat(1_000_000)}`;

  expect([...tokensIn(text)]).toEqual([
    { kind: "comment", start: 0, end: text.length, unterminated: false },
  ]);
});

describe("any text at all", () => {
  const random = randomOf(11);
  const anyUnits = (): string =>
    String.fromCharCode(
      ...Array.from({ length: Math.floor(random() * 40) }, () =>
        Math.floor(random() * (random() < 0.8 ? 0x80 : 0x10000)),
      ),
    );
  const makers: Readonly<Record<string, () => string>> = {
    "of units by chance, NUL and lone surrogates among them": anyUnits,
    "of SQL's own pieces by chance": () => tokenSoup(random),
    "of statements with changes by chance": () => mutated(random, script(random)),
  };
  for (const [title, make] of Object.entries(makers)) {
    test(`${title}: is covered by its tokens without a gap, and nothing throws`, () => {
      const broken: string[] = [];

      for (let round = 0; round < 2_000; round++) {
        const text = make();
        readAll(text);
        if (!isCovered(text)) broken.push(text);
      }

      expect(broken).toEqual([]);
    });
  }
});

/** Every unit lies in one token, no token is empty, and only the last one can lack its end. */
function isCovered(text: string): boolean {
  const tokens = [...tokensIn(text)];
  const behind = tokens.map(({ end }) => end);
  return (
    tokens.every(({ start, end }, index) => start === (behind[index - 1] ?? 0) && end > start) &&
    (behind.at(-1) ?? 0) === text.length &&
    !tokens.slice(0, -1).some(({ unterminated }) => unterminated)
  );
}

import type { Effects } from "../../src/sql/effect.ts";
import { EffectCache } from "../../src/sql/effect-cache.ts";
import { effectsOf } from "../../src/sql/effects.ts";
import { Lexer } from "../../src/sql/lexer.ts";
import { isStringKind } from "../../src/sql/token.ts";
import { oracleEffects } from "./effect-oracle.ts";

/** Where we say less or more than libpg_query, knowingly. */
const EXCEPTIONS: readonly {
  readonly reason: string;
  readonly applies: (text: string) => boolean;
}[] = [
  {
    reason:
      "libpg_query takes comments out of the gap inside a string that goes on in the next line",
    applies: (text) => /'\s*--[^\n\r]*[\n\r](?:\s|--[^\n\r]*[\n\r])*'/.test(text),
  },
  {
    reason:
      "a name with modifiers before a constant, `vec(3) '1'`, casts it and is no call; libpg_query takes a parameter there as well",
    applies: hasConstantBehindParenthesis,
  },
  {
    reason:
      "libpg_query leaves an empty text out, and shows `COPY t FROM ''`, of a file without a name, as FROM STDIN",
    applies: hasFileWithoutName,
  },
  {
    reason: "a constant with escapes is left unread; libpg_query tells its value",
    applies: hasEscapedArgument,
  },
  {
    reason:
      "PostgreSQL refuses UESCAPE without a string, which libpg_query takes for a name behind a comment; one with an escape is left unread",
    applies: hasUescapeAlone,
  },
  {
    reason: "libpg_query is given UTF-8, which has no halves of surrogate pairs",
    applies: (text) => /\p{Surrogate}/u.test(text),
  },
  {
    reason: "a number with a base, `0o17`, is told as it is written; libpg_query tells its value",
    applies: (text) => /\b0[box]/i.test(text),
  },
];

function hasEscapedArgument(text: string): boolean {
  const lexer = new Lexer(text);
  let isBehind = false;
  while (lexer.nextSignificant() !== "end") {
    const token = lexer.slice();
    if (isBehind && lexer.kind === "escape-string" && token.includes("\\")) return true;
    isBehind = token === "(" || token === "," || token === "=>" || token === ":=";
  }
  return false;
}

function hasUescapeAlone(text: string): boolean {
  const lexer = new Lexer(text);
  let isBehind = false;
  while (lexer.nextSignificant() !== "end") {
    if (isBehind && (!isStringKind(lexer.kind) || lexer.slice().includes("\\"))) return true;
    isBehind = lexer.is("uescape");
  }
  return isBehind;
}

/** `ADD COLUMN a lastval (b)`, `FROM a nextval (b)`: a type or an alias that is named as a function of sessions. */
function hasNameOfSession(text: string): boolean {
  const lexer = new Lexer(text);
  let words = 0;
  while (lexer.nextSignificant() !== "end") {
    if (words > 1 && lexer.slice() === "(") return true;
    words = lexer.kind === "identifier" || lexer.kind === "quoted-identifier" ? words + 1 : 0;
  }
  return false;
}

function hasFileWithoutName(text: string): boolean {
  const lexer = new Lexer(text);
  let isBehind = false;
  while (lexer.nextSignificant() !== "end") {
    const isEmpty = /^(?:e|n|u&)?''$|^(\$\w*\$)\1$/i.test(lexer.slice());
    if (isBehind && isEmpty && isStringKind(lexer.kind)) return true;
    isBehind = lexer.is("from") || lexer.is("to") || lexer.is("program");
  }
  return false;
}

function hasConstantBehindParenthesis(text: string): boolean {
  const lexer = new Lexer(text);
  let isBehind = false;
  while (lexer.nextSignificant() !== "end") {
    if (isBehind && (isStringKind(lexer.kind) || lexer.kind === "parameter")) return true;
    isBehind = lexer.slice() === ")";
  }
  return false;
}

/** What a text was good for. */
export interface EffectComparison {
  /** What differs in words, with the text; empty when nothing does. */
  readonly disagreements: readonly string[];
  readonly wasParsed: boolean;
  /** Whether PostgreSQL's parser shows an effect. */
  readonly hasEffect: boolean;
}

const cache = new EffectCache({ maxTexts: 50 });

/** Reads a text with ours, with and without the cache, and with PostgreSQL's own parser. */
export function compareEffects(text: string): EffectComparison {
  const theirs = oracleEffects(text);
  if (theirs === undefined || EXCEPTIONS.some(({ applies }) => applies(text))) {
    // Nothing of it runs, but nothing must throw either.
    effectsOf(text);
    return { disagreements: [], wasParsed: false, hasEffect: false };
  }
  const expected = [theirs.length, ...theirs.map((effects) => sorted(effects))];
  const readings = [effectsOf(text), cache.effectsOf(text), cache.effectsOf(text)];
  const mayShowMore = hasNameOfSession(text);
  const wrong = readings
    .map(shapeOf)
    .find((ours) => !isSame(ours, expected) && !(mayShowMore && showsMore(ours, expected)));
  return {
    wasParsed: true,
    hasEffect: theirs.some((effects) => effects.length > 0),
    disagreements:
      wrong === undefined
        ? []
        : [
            `${JSON.stringify(text)}\n  ours   ${JSON.stringify(wrong)}\n  theirs ${JSON.stringify(expected)}`,
          ],
  };
}

function shapeOf({ effects, statements }: Effects): unknown[] {
  const byStatement = Array.from({ length: statements }, (): object[] => []);
  for (const { at: _at, statement, ...effect } of effects) byStatement[statement]?.push(effect);
  return [statements, ...byStatement.map((one) => sorted(one))];
}

/** As text, keys and effects in one order, what is said twice once. */
function sorted(effects: readonly object[]): string[] {
  const texts = effects.map((effect) =>
    JSON.stringify(
      Object.fromEntries(Object.entries(effect).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ),
  );
  return [...new Set(texts)].toSorted();
}

/** Effects of the same statements, of which ours show all of theirs and more. */
function showsMore(ours: readonly unknown[], theirs: readonly unknown[]): boolean {
  return (
    ours[0] === theirs[0] &&
    theirs.every((effects, at) => !Array.isArray(effects) || isSubset(effects, ours[at]))
  );
}

function isSubset(effects: readonly unknown[], others: unknown): boolean {
  return Array.isArray(others) && effects.every((effect) => others.includes(effect));
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

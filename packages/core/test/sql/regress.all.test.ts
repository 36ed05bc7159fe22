import { describe, expect, test } from "vitest";

import { statementsIn } from "../../src/sql/statements.ts";
import { compare, type Comparison } from "./compare.ts";
import { corpusFiles, corpusMissing, readCorpus } from "./corpus.ts";
import { controlStatement, mutated, randomOf, script, tokenSoup } from "./generate.ts";
import { oracleStatements } from "./oracle.ts";

/** How many statements are put into one text to see where they are cut apart. */
const CHUNK = 12;

const SLOW = 180_000;

let parsed = 0;

describe("PostgreSQL's regression tests", () => {
  for (const file of corpusFiles()) {
    test(
      `${file}: each statement, several together, and each with changes by chance`,
      () => {
        const random = randomOf(file.length);
        const text = readCorpus(file);
        const extents = [...statementsIn(text)];

        const comparisons: Comparison[] = [];
        const whole: string[] = [];
        const cutApart: string[] = [];
        for (const [index, { start, end }] of extents.entries()) {
          const statement = text.slice(start, end);
          const comparison = compare(statement);
          comparisons.push(comparison, compare(mutated(random, statement)));
          if (comparison.wasParsed) whole.push(statement);
          else {
            // What cannot be parsed is an error that the file means to provoke, or was cut where it must not be.
            const following = extents.slice(index + 1, index + 4);
            const joined = following.map((next) => text.slice(start, next.end));
            cutApart.push(...joined.filter((candidate) => isOneStatement(candidate)));
          }
        }
        for (let from = 0; from < whole.length; from += CHUNK) {
          comparisons.push(compare(whole.slice(from, from + CHUNK).join(" ;\n-- begin;\n;")));
        }

        expect(comparisons.flatMap(({ disagreements }) => disagreements)).toEqual([]);
        expect(cutApart).toEqual([]);
        parsed += whole.length;
      },
      SLOW,
    );
  }

  test("nearly all of them are understood by both", (context) => {
    context.skip(corpusMissing !== undefined, corpusMissing);

    expect(parsed).toBeGreaterThan(45_500);
  });
});

describe("the same as PostgreSQL, on many more texts by chance", () => {
  for (const seed of [1, 2, 3]) {
    const random = randomOf(seed);
    const makers: Readonly<Record<string, () => string>> = {
      "tokens by chance": () => tokenSoup(random),
      "transaction control": () => controlStatement(random),
      "scripts, changed": () => mutated(random, script(random)),
    };
    for (const [title, make] of Object.entries(makers)) {
      test(
        `${title}, 5000 texts, seed ${seed}`,
        () => {
          const comparisons = Array.from({ length: 5_000 }, () => compare(make()));

          expect(comparisons.flatMap(({ disagreements }) => disagreements)).toEqual([]);
        },
        SLOW,
      );
    }
  }
});

function isOneStatement(text: string): boolean {
  return oracleStatements(text)?.length === 1;
}

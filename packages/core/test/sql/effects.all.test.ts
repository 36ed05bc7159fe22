import { describe, expect, test } from "vitest";

import { statementsIn } from "../../src/sql/statements.ts";
import { compareEffects, type EffectComparison } from "./compare-effects.ts";
import { mutated, randomOf } from "./generate.ts";
import { effectScript, effectStatement } from "./generate-effects.ts";
import { corpusFiles, corpusMissing, readCorpus } from "./corpus.ts";

const SLOW = 180_000;

let parsed = 0;

describe("PostgreSQL's regression tests have the effects that PostgreSQL's parser shows", () => {
  for (const file of corpusFiles()) {
    test(
      `${file}: each statement, and each with changes by chance`,
      () => {
        const random = randomOf(file.length);
        const text = readCorpus(file);
        const comparisons: EffectComparison[] = [];
        for (const { start, end } of statementsIn(text)) {
          const statement = text.slice(start, end);
          comparisons.push(compareEffects(statement), compareEffects(mutated(random, statement)));
        }

        expect(comparisons.flatMap(({ disagreements }) => disagreements)).toEqual([]);
        parsed += comparisons.filter(({ wasParsed }) => wasParsed).length;
      },
      SLOW,
    );
  }

  test("nearly all of them are understood by both", (context) => {
    context.skip(corpusMissing !== undefined, corpusMissing);

    expect(parsed).toBeGreaterThan(45_500);
  });
});

describe("the same as PostgreSQL's parser shows, on many more texts by chance", () => {
  for (const seed of [1, 2, 3, 4]) {
    const random = randomOf(seed);
    const makers: Readonly<Record<string, () => string>> = {
      statements: () => effectStatement(random),
      scripts: () => effectScript(random),
      "statements, changed": () => mutated(random, effectStatement(random)),
      "scripts, changed": () => mutated(random, effectScript(random)),
    };
    for (const [title, make] of Object.entries(makers)) {
      test(
        `${title}, 10000 texts, seed ${seed}`,
        () => {
          const disagreements: string[] = [];

          for (let round = 0; round < 10_000; round++) {
            disagreements.push(...compareEffects(make()).disagreements);
          }

          expect(disagreements).toEqual([]);
        },
        SLOW,
      );
    }
  }
});

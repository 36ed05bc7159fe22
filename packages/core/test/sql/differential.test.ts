import { describe, expect, test } from "vitest";

import { compare } from "./compare.ts";
import { controlStatement, mutated, ORDINARY, randomOf, script, tokenSoup } from "./generate.ts";

/**
 * PostgreSQL's own lexer and parser as libpg_query has them: tokens, statements and transaction
 * control are the same, on texts made by chance. The seed is fixed; `npm run test:all` adds more
 * texts, and PostgreSQL's regression tests.
 */
describe("the same as PostgreSQL", () => {
  for (const text of ORDINARY) {
    test(JSON.stringify(text), () => {
      expect(compare(text).disagreements).toEqual([]);
    });
  }

  const random = randomOf(20_260);
  const runs: readonly (readonly [
    title: string,
    make: () => string,
    least: { readonly scanned: number; readonly parsed: number },
  ])[] = [
    ["tokens by chance", () => tokenSoup(random), { scanned: 0.4, parsed: 0.04 }],
    ["transaction control", () => controlStatement(random), { scanned: 0.95, parsed: 0.9 }],
    ["scripts", () => script(random), { scanned: 0.95, parsed: 0.9 }],
    ["scripts, changed", () => mutated(random, script(random)), { scanned: 0.7, parsed: 0.1 }],
    [
      "transaction control, changed",
      () => mutated(random, controlStatement(random)),
      { scanned: 0.7, parsed: 0.1 },
    ],
  ];
  for (const [title, make, least] of runs) {
    test(`${title}, 800 texts`, () => {
      const comparisons = Array.from({ length: 800 }, () => compare(make()));

      expect(comparisons.flatMap(({ disagreements }) => disagreements)).toEqual([]);
      // A generator whose texts PostgreSQL refuses would prove nothing.
      expect(shareOf(comparisons, "wasScanned")).toBeGreaterThan(least.scanned);
      expect(shareOf(comparisons, "wasParsed")).toBeGreaterThan(least.parsed);
    });
  }
});

function shareOf(
  comparisons: readonly ReturnType<typeof compare>[],
  key: "wasScanned" | "wasParsed",
): number {
  return comparisons.filter((comparison) => comparison[key]).length / comparisons.length;
}

import { describe, expect, test } from "vitest";

import { PolicyError } from "../src/index.ts";
import { adapterLaws, type AdapterUnderLaw } from "../src/testing.ts";
import { fact, facts, resolved } from "./support.ts";

/** The options of a small ORM. */
interface Options {
  readonly name?: string;
  readonly nested?: { max?: number };
  readonly driver?: () => void;
  readonly timeout?: number;
}

const driver = (): void => {};

const lawful: AdapterUnderLaw<Options> = {
  describe: ({ name, nested }) =>
    facts({ applicationName: fact(name, "name"), poolMax: fact(nested?.max ?? 10, "nested.max") }),
  apply: (options, policy) => {
    if (options.timeout !== undefined) {
      throw new PolicyError("options/refused", "`timeout` is refused.", { hint: "Remove it." });
    }
    return {
      ...options,
      name: policy.name.text,
      nested: { max: Math.min(options.nested?.max ?? 10, 10) },
      driver,
    };
  },
  examples: { empty: {}, full: { name: "x", nested: { max: 99 }, driver } },
  policies: { strict: resolved({ extends: "strict" }), recommended: resolved() },
  refused: { "a timeout": { options: { timeout: 5 }, code: "options/refused" } },
};

const outcomes = (adapter: AdapterUnderLaw<Options>): readonly string[] =>
  adapterLaws(adapter).flatMap(({ title, run }) => {
    try {
      run();
      return [];
    } catch {
      return [title];
    }
  });

test("an adapter that obeys breaks no law", () => {
  expect(outcomes(lawful)).toEqual([]);
  expect(adapterLaws(lawful)).toHaveLength(11);
});

describe("an adapter that breaks a law is caught", () => {
  const broken: readonly (readonly [
    title: string,
    changes: Partial<AdapterUnderLaw<Options>>,
    law: string,
  ])[] = [
    [
      "sets no name",
      { apply: (options) => ({ ...options, nested: { max: 1 } }) },
      "empty, under strict — leaves nothing to find",
    ],
    [
      "makes a new driver each time",
      { apply: (options, policy) => ({ ...lawful.apply(options, policy), driver: () => {} }) },
      "empty, under strict — applied twice is applied once",
    ],
    [
      "writes into its options",
      {
        apply: (options, policy) => {
          if (options.nested !== undefined) options.nested.max = 1;
          return lawful.apply(options, policy);
        },
      },
      "full, under recommended — changes nothing that it is given",
    ],
    [
      "drops instead of refusing",
      { apply: ({ timeout: _dropped, ...options }, policy) => lawful.apply(options, policy) },
      "a timeout, under strict — is refused with options/refused",
    ],
  ];
  for (const [title, changes, law] of broken) {
    test(title, () => {
      expect(outcomes({ ...lawful, ...changes })).toContain(law);
    });
  }
});

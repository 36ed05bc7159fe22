import { describe, expect, it } from "vitest";
import { quantile, rounded, shuffled, summarise } from "../src/method/statistics.ts";

describe("quantile", () => {
  it.each([
    { values: [], share: 0.5, expected: Number.NaN },
    { values: [7], share: 0.25, expected: 7 },
    { values: [3, 1, 2], share: 0.5, expected: 2 },
    { values: [4, 1, 3, 2], share: 0.5, expected: 2.5 },
    { values: [1, 2, 3], share: 0.75, expected: 2.5 },
    { values: [10, 9, 8], share: 1, expected: 10 },
  ])("$share of $values is $expected", ({ values, share, expected }) => {
    expect(quantile(values, share)).toBe(expected);
  });
});

describe("rounded", () => {
  it.each([
    [1.23456, 1.235],
    [0.012345, 0.0123],
    [-0.0456789, -0.0457],
    [5612, 5612],
    [0, 0],
  ])("%d is told as %d", (value, told) => {
    expect(rounded(value)).toBe(told);
  });
});

it("a summary has the quartiles and the number of rounds", () => {
  expect(summarise([1, 2, 3, 4, 5])).toEqual({ median: 3, q25: 2, q75: 4, rounds: 5 });
});

it("shuffling loses nothing, adds nothing and leaves the given values alone", () => {
  const given = [1, 2, 3, 4, 5, 6];

  const result = shuffled(given);

  expect(result.toSorted((a, b) => a - b)).toEqual(given);
  expect(given).toEqual([1, 2, 3, 4, 5, 6]);
});

import { describe, expect, test } from "vitest";

import { advisoryLockKey, sqlKeyOf } from "../../src/direct/advisory-key.ts";

describe("a key of an advisory lock", () => {
  test.each([
    // sha256sum of the text, its first 16 digits as a signed number.
    ["nightly-report", 7_440_995_589_958_059_143n],
    ["ä", 3_739_913_210_162_221_132n],
    [7, 7n],
    [-1n, -1n],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
    [-(2n ** 63n), -(2n ** 63n)],
  ])("%s is one number, now and for ever", (key, number) => {
    expect(advisoryLockKey(key)).toBe(number);
  });

  test.each([
    [7, "$1::bigint", ["7"], [0, 7, 1]],
    [-1, "$1::bigint", ["-1"], [0xffff_ffff, 0xffff_ffff, 1]],
    [2n ** 32n + 5n, "$1::bigint", ["4294967301"], [1, 5, 1]],
    [[1, -2] as const, "$1::int, $2::int", ["1", "-2"], [1, 0xffff_fffe, 2]],
  ])("%s is bound as a value, and found in pg_locks", (key, placeholders, values, inLocks) => {
    expect(sqlKeyOf(key)).toMatchObject({ placeholders, values, inLocks });
  });

  test.each([
    ["an empty text", ""],
    ["a fraction", 1.5],
    ["more than a double can tell apart", 2 ** 53],
    ["more than 64 bits", 2n ** 63n],
    ["no number", Number.NaN],
    ["one of two", [1]],
    ["three of two", [1, 2, 3]],
    ["more than 32 bits of a pair", [2 ** 31, 0]],
    ["nothing", undefined],
    ["null", null],
    ["an object", {}],
  ])("%s is none", (_, key) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that it is none is the point.
    expect(() => sqlKeyOf(key as string)).toThrow(
      expect.objectContaining({ code: "direct/invalid", path: "key" }),
    );
  });
});

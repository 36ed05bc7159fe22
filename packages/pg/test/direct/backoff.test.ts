import { describe, expect, test } from "vitest";

import { delayBefore } from "../../src/direct/backoff.ts";

describe("the wait before another try", () => {
  const backoff = { firstMs: 100, mostMs: 10_000 };

  test.each([
    [1, 100],
    [2, 200],
    [3, 400],
    [7, 6_400],
    [8, 10_000],
    [2_000, 10_000],
  ])("after %i tries is at most %i ms, and at least half of that", (tries, mostMs) => {
    const waits = Array.from({ length: 50 }, () => delayBefore(backoff, tries));

    expect(Math.max(...waits)).toBeLessThanOrEqual(mostMs);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(mostMs / 2);
    expect(new Set(waits).size).toBeGreaterThan(1);
  });

  test("is never longer than the longest, where the first is", () => {
    expect(delayBefore({ firstMs: 100, mostMs: 40 }, 1)).toBeLessThanOrEqual(40);
  });
});

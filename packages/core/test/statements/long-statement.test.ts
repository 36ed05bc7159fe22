import { expect, test } from "vitest";

import { longStatementFinding } from "../../src/index.ts";

test("a text is long above 16 KB of UTF-8", () => {
  expect([16_384, 16_385].map((length) => isLong("a".repeat(length)))).toEqual([false, true]);
  expect([5461, 5462].map((length) => isLong("中".repeat(length)))).toEqual([false, true]);
});

function isLong(text: string): boolean {
  return longStatementFinding(text, (one) => Buffer.byteLength(one)) !== undefined;
}

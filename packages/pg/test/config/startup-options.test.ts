import { describe, expect, test } from "vitest";

import {
  formatStartupOptions,
  limitFromPgValue,
  limitFromServerText,
  parseStartupOptions,
} from "../../src/config/startup-options.ts";

describe("parseStartupOptions and formatStartupOptions", () => {
  test.each([
    ["-c statement_timeout=5s", [["statement_timeout", "5s"]]],
    [
      "--lock-timeout=1 -cA=b",
      [
        ["lock_timeout", "1"],
        ["a", "b"],
      ],
    ],
    [String.raw`-c search_path=a,\ b`, [["search_path", "a, b"]]],
    ["", []],
  ])("%s", (text, settings) => {
    const read = parseStartupOptions(text);

    expect(read).toEqual(settings.map(([name, value]) => ({ name, value })));
    expect(parseStartupOptions(formatStartupOptions(read ?? []))).toEqual(read);
  });

  test("-B 100", () => {
    expect(parseStartupOptions("-B 100")).toBeUndefined();
  });
});

describe("limitFromServerText", () => {
  test.each([
    ["5000", 5_000],
    ["5s", 5_000],
    ["1.5 min", 90_000],
    ["2h", 7_200_000],
    ["500us", 1],
    ["0", 0],
    ["soon", undefined],
    ["5 weeks", undefined],
  ])("%s", (text, milliseconds) => {
    expect(limitFromServerText(text)).toBe(milliseconds);
  });
});

describe("limitFromPgValue", () => {
  test.each([
    [5_000, 5_000],
    ["5s", 5],
    ["0", 0],
    ["soon", undefined],
    [-1, undefined],
  ])("%s", (value, milliseconds) => {
    expect(limitFromPgValue(value)).toBe(milliseconds);
  });
});

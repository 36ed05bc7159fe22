import { describe, expect, test } from "vitest";

import { credentialsOf } from "../../src/index.ts";

describe("who a URL logs in as", () => {
  const table: readonly (readonly [url: string, user: string | undefined, password?: string])[] = [
    ["postgres://u:p@h/db", "u", "p"],
    ["postgres://u@h/db", "u"],
    ["postgres://u:@h/db", "u"],
    ["postgres://h/db", undefined],
    ["postgres://u:p%40ss@h", "u", "p@ss"],
    ["postgres://u:p@ss@h", "u", "p@ss"],
    ["postgres://u:a:b@h", "u", "a:b"],
    ["postgres://u:100%@h", "u", "100%"],
    ["postgres://u:x%2Fy%3Fz%23@h", "u", "x/y?z#"],
    ["postgres://u:p@h/db?user=v&password=q", "v", "q"],
    ["postgres://u:p@/db?host=/run&password=a+b", "u", "a b"],
    ["postgres://u:p@h/db?user=&password=", "u", "p"],
  ];
  for (const [url, user, password] of table) {
    test(url, () => {
      expect(credentialsOf(url)).toEqual({ user, password });
    });
  }
});

import { describe, expect, test } from "vitest";

import { definePolicy, refuseAsOptions } from "../src/index.ts";
import { resolved, thrownBy } from "./support.ts";

describe("a client's options", () => {
  const table: readonly (readonly [title: string, options: unknown, code: string, says: string])[] =
    [
      ["a policy", definePolicy({}), "policy/invalid", "Pass the options first"],
      ["a resolved policy", resolved(), "policy/invalid", "Pass the options first"],
      ["undefined", undefined, "options/refused", "options are undefined"],
      ["a URL", "postgres://u:hunter2@h/db", "options/refused", "options are a text"],
    ];
  for (const [title, options, code, says] of table) {
    test(`are not ${title}`, () => {
      const error = thrownBy(() => {
        refuseAsOptions(options);
      });

      expect(error).toMatchObject({ code });
      expect(String(error)).toContain(says);
      expect(String(error)).not.toContain("hunter2");
    });
  }

  test("may be empty", () => {
    expect(() => {
      refuseAsOptions({});
    }).not.toThrow();
  });
});

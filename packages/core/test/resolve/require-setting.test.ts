import { describe, expect, test } from "vitest";

import { definePolicy, type Policy } from "../../src/index.ts";
import { resolved, thrownBy, untyped } from "../support.ts";

/** What is required by policies of which each extends the one before. */
function requiredOf(lists: readonly (readonly string[])[]): readonly string[] | undefined {
  const policy = lists.reduce<Policy>(
    (base, requireSetting) => ({ extends: base, targets: { main: { requireSetting } } }),
    { targets: { main: {} } },
  );
  return resolved(policy).targets["main"]?.requireSetting;
}

describe("targets.*.requireSetting", () => {
  test.each([
    ["nothing by default", [], []],
    ["names as Postgres compares them", [["App.Tenant", "app.tenant"]], ["app.tenant"]],
    [
      "what a base requires and what comes to it",
      [["app.tenant"], ["app.user"]],
      ["app.tenant", "app.user"],
    ],
    ["still what a base requires", [["app.tenant"], []], ["app.tenant"]],
  ])("is %s", (_, lists, required) => {
    expect(requiredOf(lists)).toEqual(required);
  });

  test("is empty where a target does not speak of it", () => {
    expect(resolved({ targets: { main: {} } }).targets["main"]?.requireSetting).toEqual([]);
  });

  test.each([["app tenant"], ["app."], [""], ["app.tenant; drop"], ["1a"], [5]])(
    "refuses %j as the name of a setting",
    (name) => {
      const policy = untyped({ targets: { main: { requireSetting: [name] } } });

      expect(thrownBy(() => definePolicy(policy))).toMatchObject({
        code: "policy/invalid",
        path: "targets.main.requireSetting.0",
      });
    },
  );
});

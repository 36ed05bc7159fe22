import { describe, expect, test } from "vitest";

import { check, type Environment, type Policy } from "../src/index.ts";
import { fact, facts, processWith, resolved, thrownBy } from "./support.ts";

const nameless = facts({
  applicationName: fact(undefined, "applicationName"),
  acquireTimeoutMs: fact(Infinity, "extra.connectionTimeoutMillis"),
});

test("a client that is as the policy wants it has nothing to be found, whatever the preset", () => {
  expect(check(facts(), resolved())).toEqual([]);
  expect(check(facts(), resolved({ extends: "strict" }))).toEqual([]);
});

test("a finding carries its rule, its weight, its client, its target and its page", () => {
  const [finding] = check(nameless, resolved());

  expect(finding).toEqual({
    rule: "naming/required",
    severity: "error",
    client: "some-orm",
    target: "main",
    docs: "docs/rules/naming/required.md",
    path: "applicationName",
    message: expect.stringContaining("no name"),
    help: expect.stringMatching(/^Set /u),
  });
});

test("errors come first, then the order of the rules, the same in every run", () => {
  const policy = resolved({ rules: { "naming/required": "warn" } });
  const several = {
    ...nameless,
    ignoredSettings: [
      fact({ name: "b", instead: "Remove it." }),
      fact({ name: "a", instead: "Remove it." }),
    ],
  };

  const found = check(several, policy).map(({ rule, message }) => [rule, message.slice(0, 3)]);

  expect(found).toEqual([
    ["connections/acquire-timeout", "A r"],
    ["naming/required", "Its"],
    ["settings/no-ignored", "`b`"],
    ["settings/no-ignored", "`a`"],
  ]);
});

describe("a rule's level", () => {
  test("off: nothing is said", () => {
    expect(rulesFound({ rules: { "naming/required": "off" } })).toEqual([
      ["connections/acquire-timeout", "error"],
    ]);
  });

  test("warn, from the environment", () => {
    expect(rulesFound({}, { DOORPOLICY_RULES: "naming/required=warn" })).toEqual([
      ["connections/acquire-timeout", "error"],
      ["naming/required", "warn"],
    ]);
  });
});

describe("a written exception", () => {
  const table = [
    [{ rule: "naming/required", reason: "legacy" }, "legacy"],
    [{ rule: "naming/required", reason: "legacy", match: "applicationName" }, "legacy"],
    [{ rule: "naming/required", reason: "legacy", match: "extra" }, undefined],
    [{ rule: "naming/template", reason: "legacy" }, undefined],
    [{ rule: "naming/required", reason: "legacy", until: "2026-01-01" }, undefined],
  ] as const;
  for (const [exception, allowed] of table) {
    test(`${JSON.stringify(exception)} ${allowed === undefined ? "does not cover" : "covers"} the finding, which is reported anyway`, () => {
      const [finding] = check(nameless, resolved({ allow: [exception] }));

      expect(finding?.rule).toBe("naming/required");
      expect(finding?.allowed).toBe(allowed);
    });
  }
});

test("a target that the policy does not have is an error", () => {
  const error = thrownBy(() => check(facts({ target: "reports" }), resolved()));

  expect(error).toMatchObject({ code: "policy/unknown-target" });
});

function rulesFound(policy: Policy, environment: Environment = {}): readonly unknown[] {
  return check(nameless, resolved(policy, processWith(environment))).map(({ rule, severity }) => [
    rule,
    severity,
  ]);
}

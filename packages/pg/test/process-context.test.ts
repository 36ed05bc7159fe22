import { definePolicy, env, laneInUse, type Policy } from "@doorpolicy/core";
import { resolveForProcess } from "@doorpolicy/pg";
import { afterEach, describe, expect, test, vi } from "vitest";

const VARIABLE = "DOORPOLICY_TEST_URL";
const base: Policy = { naming: { app: "billing" }, targets: { main: { pooled: env(VARIABLE) } } };

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a URL from the environment", () => {
  for (const [title, policy] of [
    ["of the policy itself", definePolicy(base)],
    ["of a policy that it extends", definePolicy({ extends: [base, "strict"] })],
  ] as const) {
    test(`${title} is found when it is set after a failure`, () => {
      expect(() => urlOf(policy)).toThrow(`the environment variable ${VARIABLE}`);

      vi.stubEnv(VARIABLE, "postgres://one/db");

      expect(urlOf(policy)).toBe("postgres://one/db");
    });
  }

  test("that is changed is found, and who holds the former one keeps it", () => {
    const policy = definePolicy(base);
    vi.stubEnv(VARIABLE, "postgres://one/db");
    const before = resolveForProcess(policy);

    vi.stubEnv(VARIABLE, "postgres://two/db");

    expect(urlOf(policy)).toBe("postgres://two/db");
    expect(laneInUse(before).url().reveal()).toBe("postgres://one/db");
    expect(resolveForProcess(policy)).toBe(resolveForProcess(policy));
  });

  test("brings no other mode along: that one is of the first time", () => {
    const policy = definePolicy({ ...base, mode: "enforce" });
    const before = resolveForProcess(policy);

    vi.stubEnv(VARIABLE, "postgres://one/db");
    vi.stubEnv("DOORPOLICY_MODE", "bypass");

    const after = resolveForProcess(policy);
    expect(after).not.toBe(before);
    expect(after.targets["main"]?.mode).toBe("enforce");
  });
});

describe("what is no policy", () => {
  test.each([
    [undefined, "The policy is undefined, and a policy is an object."],
    ["strict", 'The policy is "strict", and a policy is an object.'],
    [{ policy: definePolicy(base) }, "Pass its `policy`."],
    [Promise.resolve(base), "Await it, and pass the policy."],
  ])("%s is refused", (given: unknown, says) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JavaScript passes what the types forbid.
    const resolve = (): unknown => resolveForProcess(given as Policy);

    expect(resolve).toThrow(says);
    expect(resolve).toThrow(expect.objectContaining({ code: "policy/invalid" }));
  });
});

function urlOf(policy: Policy): string {
  return laneInUse(resolveForProcess(policy)).url().reveal();
}

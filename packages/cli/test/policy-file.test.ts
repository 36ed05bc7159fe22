import { definePolicy } from "@doorpolicy/core";
import { describe, expect, test } from "vitest";

import { policyIn } from "../src/check/policy-file.ts";

const policy = definePolicy({ naming: { app: "billing" } });
const plain = { naming: { app: "billing" } };
const other = definePolicy({ naming: { app: "reports" } });

describe("the policy of a policy file", () => {
  test.each([
    ["export default", { default: policy }, policy],
    ["export { policy }", { policy }, policy],
    ["export { policy as default } and policy", { default: policy, policy }, policy],
    ["a plain default export", { default: plain }, plain],
    ["a plain export `policy`", { policy: plain }, plain],
    ["the only one, by another name", { billing: policy, a: 1 }, policy],
    ["default before policy", { default: other, policy }, other],
    ["`policy` beside others", { policy, reports: other }, policy],
    ["module.exports = { policy }", { default: { policy } }, policy],
    [
      "export { policy }, transpiled to CommonJS",
      { default: { __esModule: true, policy }, policy },
      policy,
    ],
    [
      "export { policy as default }, transpiled to CommonJS",
      { default: { __esModule: true, default: policy } },
      policy,
    ],
    ["two without a name that says which", { billing: policy, reports: other }, undefined],
    ["none", { answer: 42 }, undefined],
  ])("%s", (_, exported, expected) => {
    const found = policyIn(exported);

    expect(found).toBe(expected);
  });
});

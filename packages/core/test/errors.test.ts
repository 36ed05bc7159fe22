import { expect, test } from "vitest";

import { isPolicyError, PolicyError } from "../src/index.ts";

test("an error carries its code, its hint and the user's key, and keeps the driver's error", () => {
  const cause = new Error("refused by the server");

  const error = new PolicyError("policy/invalid", "It is wrong.", {
    hint: "Set it.",
    path: "mode",
    cause,
  });

  expect(error).toMatchObject({
    name: "PolicyError",
    code: "policy/invalid",
    hint: "Set it.",
    path: "mode",
    message: "It is wrong. Set it.",
  });
  expect(error.cause).toBe(cause);
});

test("an error without a cause has none, not an undefined one", () => {
  const error = new PolicyError("policy/invalid", "It is wrong.", { hint: "Set it." });

  expect("cause" in error).toBe(false);
});

test("an error of another copy of the package is recognised, and others are not", () => {
  const foreign = Object.assign(new Error("x"), {
    brand: "doorpolicy/error",
    code: "policy/invalid",
  });

  const answers = [foreign, new Error("x"), null, "policy/invalid", { code: "policy/invalid" }].map(
    isPolicyError,
  );

  expect(answers).toEqual([true, false, false, false, false]);
});

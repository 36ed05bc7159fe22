import { inspect } from "node:util";

import { expect, test } from "vitest";

import { explainError, isPolicyError, PolicyError } from "../src/index.ts";

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

test("an error leads to its page, and prints where that is", () => {
  const page =
    "https://github.com/doorpolicy/doorpolicy/blob/main/docs/errors/lock/not-acquired.md";
  const error = new PolicyError("lock/not-acquired", "It is taken.", { hint: "Wait." });

  const explanation = explainError(error);

  expect(error.docs).toBe(page);
  expect(explanation?.docs).toBe(page);
  expect(inspect(error)).toContain(`docs: '${page}'`);
});

test("an error without a key of its user's prints none", () => {
  const error = new PolicyError("lock/not-acquired", "It is taken.", { hint: "Wait." });

  const printed = inspect(error);

  expect(error.path).toBeUndefined();
  expect(printed).not.toContain("path");
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

import { PolicyError, type PolicyErrorCode } from "@doorpolicy/core";
import { expect, test } from "vitest";

import { isRetryable } from "../../src/units/retry.ts";

const failure = Object.assign(new Error("x"), { code: "40001", routine: "x", severity: "FATAL" });

const unknown = (code: PolicyErrorCode): Error =>
  new PolicyError(code, "Nobody knows.", { hint: "Look.", cause: failure });

test("a serialization failure is run again, and not where it ended a connection whose COMMIT had been sent", () => {
  const errors = [
    failure,
    new Error("Not saved.", { cause: failure }),
    unknown("transaction/outcome-unknown"),
    new Error("Not saved.", { cause: unknown("statement/outcome-unknown") }),
  ];

  expect(errors.map(isRetryable)).toEqual([true, true, false, false]);
});

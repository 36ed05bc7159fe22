import { describe, expect, test } from "vitest";

import { limitsOf, setLocalText } from "../src/connection/limits.ts";
import { laneOf } from "./lanes.ts";

const policy = {
  transaction: {
    idleTimeoutMs: 2_000,
    timeoutMs: 20_000,
    statementTimeoutMs: 9_000,
    lockTimeoutMs: 800,
  },
};

describe("limits of blocks", () => {
  test("are the policy's, and the server's idle limit is behind the guard's own", () => {
    const limits = limitsOf(laneOf(policy), {});

    expect(limits).toEqual({
      idleTimeoutMs: 2_000,
      timeoutMs: 20_000,
      serverIdleTimeoutMs: 3_000,
      statementTimeoutMs: 9_000,
      lockTimeoutMs: 800,
    });
  });

  test("are the service's where the policy does not enforce its own", () => {
    const service = { statementTimeoutMs: 50, lockTimeoutMs: 40, serverIdleTimeoutMs: 60_000 };

    const limits = limitsOf(
      laneOf({ ...policy, enforced: ["transaction.lockTimeoutMs"] }),
      service,
    );

    expect(limits).toMatchObject({
      idleTimeoutMs: 50_000,
      serverIdleTimeoutMs: 60_000,
      statementTimeoutMs: 50,
      lockTimeoutMs: 800,
    });
  });

  test.each([
    [0, 0],
    [500, 250],
    [1_500, 750],
    [3_000, 2_000],
    [60_000, 50_000],
  ])(
    "with a server limit of %d ms have a guard that acts after %d ms",
    (serverIdleTimeoutMs, idleTimeoutMs) => {
      expect(limitsOf(laneOf(policy), { serverIdleTimeoutMs })).toMatchObject({ idleTimeoutMs });
    },
  );

  test("leave migrations and long reports their time on the direct lane", () => {
    const limits = limitsOf(laneOf(policy, { lane: "direct" }), {});

    expect(limits).toMatchObject({
      timeoutMs: 0,
      statementTimeoutMs: 0,
      lockTimeoutMs: 800,
      idleTimeoutMs: 2_000,
    });
  });
});

describe("what is sent behind BEGIN", () => {
  test("holds whole numbers of milliseconds, and no limit that is off", () => {
    const text = setLocalText({
      idleTimeoutMs: 1,
      timeoutMs: 2,
      serverIdleTimeoutMs: 1_000.7,
      statementTimeoutMs: 0,
      lockTimeoutMs: 30,
    });

    expect(text).toBe(
      "; SET LOCAL idle_in_transaction_session_timeout = 1000; SET LOCAL lock_timeout = 30",
    );
  });

  test("is nothing without limits", () => {
    const text = setLocalText({
      idleTimeoutMs: 0,
      timeoutMs: 0,
      serverIdleTimeoutMs: 0,
      statementTimeoutMs: 0,
      lockTimeoutMs: 0,
    });

    expect(text).toBe("");
  });
});

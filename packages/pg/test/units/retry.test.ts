import { expect, test } from "vitest";

import { retryDelay } from "../../src/units/retry.ts";

test("no run is waited for when the signal was aborted before the wait", async () => {
  const waits = Array.from({ length: 20 }, () =>
    retryDelay({ attempts: 9, delayMs: 5_000 }, 8, AbortSignal.abort()),
  );

  const first = await Promise.race([
    Promise.all(waits).then(() => "resolved"),
    new Promise((resolve) => setImmediate(() => resolve("waiting"))),
  ]);

  expect(first).toBe("resolved");
});

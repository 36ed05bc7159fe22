import assert from "node:assert/strict";
import { poolCounters } from "@doorpolicy/pg";
import { eventually } from "../../expect.ts";

/** Resolves when a connect of a guarded pool that is open has failed. */
export async function connectFailed(): Promise<void> {
  await eventually(() =>
    assert.ok(
      poolCounters().some(({ counters }) => counters.failed > 0),
      "No connect has failed.",
    ),
  );
}

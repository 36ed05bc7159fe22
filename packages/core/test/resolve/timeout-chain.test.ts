import { describe, expect, test } from "vitest";

import type { Policy, PoolerLimits, TransactionPolicy } from "../../src/index.ts";
import { resolved, thrownBy } from "../support.ts";

const withLimits = (limits: PoolerLimits, more: Policy = {}): Policy => ({
  ...more,
  targets: { main: { pooler: { kind: "pgbouncer", limits } } },
});

const withTransaction = (transaction: TransactionPolicy, acquireTimeoutMs = 1_000): Policy => ({
  connections: { acquireTimeoutMs },
  transaction,
});

/** The marked link of a chain that is broken, or `undefined` for one that holds. */
const table: readonly (readonly [title: string, policy: Policy, broken: string | undefined])[] = [
  ["the defaults", {}, undefined],
  [
    "an ORM's wait as long as the whole block",
    withTransaction({ timeoutMs: 2_000, idleTimeoutMs: 500 }),
    "< transaction.timeoutMs 2000 ms",
  ],
  [
    "an ORM's wait shorter than the whole block",
    withTransaction({ timeoutMs: 2_001, idleTimeoutMs: 500 }),
    undefined,
  ],
  [
    "the idle limit as long as the whole block",
    withTransaction({ timeoutMs: 5_000, idleTimeoutMs: 5_000 }),
    "< transaction.timeoutMs 5000 ms",
  ],
  [
    "a statement as long as the whole block",
    withTransaction({ statementTimeoutMs: 30_000 }),
    undefined,
  ],
  [
    "a statement longer than the whole block",
    withTransaction({ statementTimeoutMs: 30_001 }),
    "≤ transaction.timeoutMs 30000 ms",
  ],
  [
    "a lock as long as a statement",
    withTransaction({ lockTimeoutMs: 10, statementTimeoutMs: 10 }),
    undefined,
  ],
  [
    "a lock longer than a statement",
    withTransaction({ lockTimeoutMs: 11, statementTimeoutMs: 10 }),
    "≤ transaction.statementTimeoutMs 10 ms",
  ],
  [
    "a lock longer than the whole block, and no limit for statements",
    withTransaction({ lockTimeoutMs: 30_001 }),
    "≤ transaction.timeoutMs 30000 ms",
  ],
  [
    "no limit for the whole block",
    withTransaction({ timeoutMs: 0, statementTimeoutMs: 90_000 }),
    undefined,
  ],
  [
    "a connection taken back when it is warned of",
    { connections: { heldIdleWarnMs: 5_000, heldIdleReclaimMs: 5_000 } },
    "< connections.heldIdleReclaimMs 5000 ms",
  ],
  [
    "a connection taken back later than it is warned of",
    { connections: { heldIdleWarnMs: 5_000, heldIdleReclaimMs: 5_001 } },
    undefined,
  ],
  [
    "a connection taken back without a warning",
    { connections: { heldIdleWarnMs: 0, heldIdleReclaimMs: 1 } },
    undefined,
  ],
  [
    "a connection warned of and never taken back",
    { connections: { heldIdleWarnMs: 90_000, heldIdleReclaimMs: 0 } },
    undefined,
  ],
  [
    "a connection that lingers as long as a caller waits",
    { connections: { lingerMs: 5_000 } },
    "< connections.acquireTimeoutMs 5000 ms",
  ],
  [
    "a connection that lingers as long as it lives",
    { connections: { lingerMs: 1_000, maxLifetimeMs: 1_000, idleTimeoutMs: 1_000 } },
    "< connections.maxLifetimeMs 1000 ms",
  ],
  [
    "a connection that lingers for less than either",
    { connections: { lingerMs: 999, maxLifetimeMs: 1_000, idleTimeoutMs: 1_000 } },
    undefined,
  ],
  [
    "a connection that would linger, and is kept in any case",
    { connections: { reuse: "pool", lingerMs: 9_000 } },
    undefined,
  ],
  [
    "a connection that lives for less than a caller waits",
    { connections: { maxLifetimeMs: 1_000, idleTimeoutMs: 1_000 } },
    undefined,
  ],
  [
    "an unused connection kept for longer than any lives",
    { connections: { idleTimeoutMs: 60_001 } },
    "≤ connections.maxLifetimeMs 60000 ms",
  ],
  [
    "an unused connection kept for as long as any lives",
    { connections: { idleTimeoutMs: 60_000 } },
    undefined,
  ],
  [
    "no limit for the life of a connection",
    { connections: { idleTimeoutMs: 600_000, maxLifetimeMs: 0 } },
    undefined,
  ],
  ["no limits at all", withTransaction({ timeoutMs: 0, idleTimeoutMs: 0 }), undefined],
  // idle 5 s → server 6 s → pooler at least 7.2 s.
  [
    "the pooler's idle limit just above the server's",
    withLimits({ idleTransactionTimeoutMs: 7_199 }),
    "< targets.main.pooler.limits.idleTransactionTimeoutMs 7199 ms",
  ],
  [
    "the pooler's idle limit 20 % above the server's",
    withLimits({ idleTransactionTimeoutMs: 7_200 }),
    undefined,
  ],
  [
    "no idle limit, and a short one of the pooler",
    withLimits({ idleTransactionTimeoutMs: 1_000 }, { transaction: { idleTimeoutMs: 0 } }),
    undefined,
  ],
  [
    "the pooler's limit for a block just above the policy's",
    withLimits({ transactionTimeoutMs: 35_999 }),
    "< targets.main.pooler.limits.transactionTimeoutMs 35999 ms",
  ],
  [
    "the pooler's limit for a block 20 % above the policy's",
    withLimits({ transactionTimeoutMs: 36_000 }),
    undefined,
  ],
  [
    "the pooler's limit for a statement below the server's",
    withLimits({ queryTimeoutMs: 10_000 }, { extends: "strict" }),
    "< targets.main.pooler.limits.queryTimeoutMs 10000 ms",
  ],
  [
    "the pooler's queue shorter than the wait for a connection",
    withLimits({ queryWaitTimeoutMs: 5_000 }),
    "< targets.main.pooler.limits.queryWaitTimeoutMs 5000 ms",
  ],
  ["the pooler's queue without a limit", withLimits({ queryWaitTimeoutMs: 0 }), undefined],
];

describe("limits fire in the order of the chain", () => {
  for (const [title, policy, broken] of table) {
    test(`${title}: ${broken === undefined ? "holds" : "is broken"}`, () => {
      const outcome = outcomeOf(policy);

      expect(outcome).toContain(
        broken === undefined ? "nothing is thrown" : `${broken}   ← at least`,
      );
    });
  }

  test("the whole chain is printed with its numbers, and what would go wrong", () => {
    const error = thrownBy(() => resolved({ transaction: { timeoutMs: 4_000 } }));

    expect(error).toMatchObject({ path: "transaction.timeoutMs" });
    expect(String(error)).toMatchInlineSnapshot(`
      "PolicyError: Limits fire in the wrong order.
          connections.acquireTimeoutMs 5000 ms
        < an ORM's wait for a connection (from acquireTimeoutMs) 6000 ms
        < transaction.timeoutMs 4000 ms   ← at least 6001 ms, or an ORM gives up before it is known that there is no connection to be had
          transaction.idleTimeoutMs 5000 ms
        < transaction.timeoutMs 4000 ms   ← at least 5001 ms, or the idle limit can never fire
      Set each limit that is marked above the one before it."
    `);
  });

  test("what follows from a very long limit is no longer than Postgres takes", () => {
    const long = 2_147_000_000;

    const { transaction } = resolved({
      connections: { acquireTimeoutMs: long },
      transaction: { idleTimeoutMs: long, timeoutMs: 0 },
    });

    expect(transaction).toMatchObject({
      maxWaitMs: 2_147_483_647,
      serverIdleTimeoutMs: 2_147_483_647,
    });
  });

  test("the server's idle limit and an ORM's wait follow from what is set", () => {
    const { transaction } = resolved({
      connections: { acquireTimeoutMs: 500 },
      transaction: { idleTimeoutMs: 10_000 },
    });

    expect(transaction).toMatchObject({ maxWaitMs: 1_500, serverIdleTimeoutMs: 12_000 });
  });
});

function outcomeOf(policy: Policy): string {
  try {
    resolved(policy);
    return "nothing is thrown";
  } catch (error) {
    return String(error);
  }
}

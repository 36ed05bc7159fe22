import assert from "node:assert/strict";
import { policyError, rejection } from "../../expect.ts";
import type { Statements } from "../../client.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, setting } from "../ask.ts";

/** What the application is told about its block, and what the block is told by the policy. */
export const outcome: readonly Scenario[] = [
  {
    id: "transaction/swallowed-error",
    title: "fails a block whose COMMIT the server answered with ROLLBACK",
    feature: "A lost COMMIT is an error",
    async run({ open, server }) {
      const db = await open();

      const block = db.block(async (inside) => {
        await inside.insert("lost");
        await inside.query("select 1 / 0").catch(() => {});
      });
      const error = await rejection("The block", block);

      assert.deepEqual(await durable(server), []);
      policyError(error, "transaction/rolled-back-at-commit");
    },
  },
  {
    id: "transaction/limits",
    title: "carries the policy's limits in every block, and in nothing else",
    feature: "Blocks carry their limits",
    serverNeeds: ["pooler"],
    async run({ open }) {
      const db = await open({
        policy: { transaction: { statementTimeoutMs: 4_000, lockTimeoutMs: 3_000 } },
      });

      const before = await limitsOf(db);
      const inside = await db.block(limitsOf);
      const after = await limitsOf(db);

      assert.deepEqual(
        { before, inside, after },
        {
          before: ["0", "0"],
          inside: ["4s", "3s"],
          after: ["0", "0"],
        },
      );
    },
  },
  {
    id: "transaction/server-knows-the-limit",
    title: "tells the server to end its idle blocks a little later than it would itself",
    feature: "Blocks carry their limits",
    async run({ open }) {
      const db = await open({ policy: { transaction: { idleTimeoutMs: 5_000 } } });

      const rows = await db.block((block) =>
        block.query(
          "select setting::int as ms from pg_settings where name = 'idle_in_transaction_session_timeout'",
        ),
      );

      // For a process that is frozen: its own watch stands still, the server's does not.
      assert.equal(rows[0]?.["ms"], 6_000);
    },
  },
];

async function limitsOf(on: Statements): Promise<readonly unknown[]> {
  const values: unknown[] = [];
  for (const name of ["statement_timeout", "lock_timeout"]) {
    values.push((await on.query(setting(name)))[0]?.["value"]);
  }
  return values;
}

import assert from "node:assert/strict";
import { eventually, policyError, rejection, reported, soon } from "../../expect.ts";
import type { RunningServer } from "../../running-server.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, idleInTransaction, sleep } from "../ask.ts";

const feature = "A block that nobody ends is ended";
const policy = { transaction: { idleTimeoutMs: 1_000 } };

/** A runner that is never released, a callback that never resolves. */
export const leaked: readonly Scenario[] = [
  {
    id: "transaction/leaked-block",
    title: "rolls a leaked block back when it has been idle for too long, and says so",
    feature,
    async run({ open, server }) {
      const db = await open({ policy });

      await db.leakBlock("leaked");

      await nothingIsOpen(server);
      assert.deepEqual(await durable(server), []);
      const { action, heldMs } = await reported(db.violations, "transaction/idle");
      assert.ok(action === "rolled-back" || action === "closed", action);
      assert.ok(heldMs !== undefined && heldMs >= 1_000, `held for ${heldMs} ms`);
    },
  },
  {
    id: "transaction/leaked-block-says-why",
    title: "tells the owner of a leaked block why it was ended when it comes back",
    feature,
    async run({ open, server }) {
      const db = await open({ policy });
      const block = await db.leakBlock("leaked");
      await nothingIsOpen(server);

      const late = block.query("insert into invoice (number) values ('late')");
      const error = await rejection("The late statement", soon("The late statement", late));

      // Above all it does not run outside the block that it was written for.
      assert.deepEqual(await durable(server), []);
      assert.match(policyError(error, "transaction/ended-by-policy").message, /1000 ms/);
    },
  },
  {
    id: "transaction/leaked-block-frees-its-place",
    title: "gives the place of a leaked block to whoever waits for it",
    feature,
    async run({ open, server }) {
      const db = await open({
        policy: { ...policy, connections: { maxPerProcess: 1 } },
        own: { poolMax: 1 },
      });
      await db.leakBlock("leaked");

      await soon("The next caller", db.insert("acknowledged"));

      assert.deepEqual(await durable(server), ["acknowledged"]);
    },
  },
  {
    id: "transaction/leaked-block-at-close",
    title: "rolls a leaked block back when it is closed, and spares the pooler's server connection",
    feature: "Server connections of the pooler are spared",
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      const db = await open();
      await db.leakBlock("leaked");
      const [before] = await idleInTransaction(server);
      assert.ok(before, "The leaked block is not open.");

      await soon("Closing", db.close());

      // PgBouncer drops a server connection whose client goes away in a transaction.
      await nothingIsOpen(server);
      const pids = (await server.sessions()).map(({ pid }) => pid);
      assert.ok(pids.includes(before.pid), "PgBouncer dropped the server connection.");
      assert.deepEqual(await durable(server), []);
    },
  },
  {
    id: "transaction/busy-is-not-idle",
    title: "leaves a block alone while its statement runs for longer than the idle limit",
    feature: "No false alarms",
    ordinary: true,
    async run({ open, server }) {
      const db = await open({ policy });

      await db.block(async (block) => {
        await block.insert("slow");
        await block.query(sleep(1_600));
      });

      assert.deepEqual(await durable(server), ["slow"]);
      assert.deepEqual(db.violations, []);
    },
  },
];

function nothingIsOpen(server: RunningServer): Promise<void> {
  return eventually(async () => assert.deepEqual(await idleInTransaction(server), []));
}

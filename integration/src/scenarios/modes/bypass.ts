import assert from "node:assert/strict";
import { eventually, policyError, rejection, reported, soon } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, heldBlock, longestIdleInTransactionMs, setting } from "../ask.ts";

const feature = "Bypassed, it names, caps, hands nothing on, and does no more";

/** The mode for an incident: the stock pool, with its cap, its name and its one promise. */
export const bypass: readonly Scenario[] = [
  {
    id: "modes/bypass-names",
    title: "names its connections also when it is bypassed",
    feature,
    policyOnly: true,
    async run({ open, name }) {
      const db = await open({ policy: { mode: "bypass" } });

      const [row] = await db.query(setting("application_name"));

      assert.equal(row?.["value"], name);
    },
  },
  {
    id: "modes/bypass-waits-finitely",
    title: "ends the wait for a connection also when it is bypassed",
    feature,
    policyOnly: true,
    async run({ open }) {
      const connections = { maxPerProcess: 1, acquireTimeoutMs: 600 };
      const db = await open({ policy: { mode: "bypass", connections }, own: { poolMax: 1 } });
      const held = await heldBlock(db);

      const waiting = soon("The waiting query", db.query("select 1 as one"));
      policyError(await rejection("The query", waiting), "connection/acquire-timeout");

      await held.end();
    },
  },
  {
    id: "modes/bypass-never-hands-on",
    title: "rolls back what a bare BEGIN left open also when it is bypassed",
    feature,
    policyOnly: true,
    async run({ open, server }) {
      const db = await open({ policy: { mode: "bypass" } });
      await db.query("BEGIN");

      await db.query("insert into invoice (number) values ('acknowledged')");

      assert.deepEqual(await durable(server), ["acknowledged"]);
      await reported(db.violations, "transaction/left-open");
    },
  },
  {
    id: "modes/bypass-leaves-the-rest",
    title: "ends no idle block and keeps its connections open when it is bypassed",
    feature,
    policyOnly: true,
    async run({ open, server }) {
      const db = await open({ policy: { mode: "bypass", transaction: { idleTimeoutMs: 200 } } });
      await db.query("select 1 as one");
      assert.notEqual((await server.connections()).length, 0);

      await db.block(async (block) => {
        await block.insert("slow");
        // Three times the limit that nobody enforces now.
        await eventually(async () => assert.ok((await longestIdleInTransactionMs(server)) > 600));
      });

      assert.deepEqual(await durable(server), ["slow"]);
      assert.deepEqual(db.violations, []);
    },
  },
];

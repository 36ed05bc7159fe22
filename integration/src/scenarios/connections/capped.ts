import assert from "node:assert/strict";
import { policyError, rejection, within } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { door, durable, sleep } from "../ask.ts";

const feature = "Connections are capped, and waiting for one ends";

/** Also in the service's own words: a plain client has the same one connection. */
const oneConnection = {
  policy: { connections: { maxPerProcess: 1, acquireTimeoutMs: 300 } },
  own: { poolMax: 1 },
};

/** The cap and the wait behind it. */
export const capped: readonly Scenario[] = [
  {
    id: "connections/cap",
    title: "runs no more statements at once than its cap",
    feature,
    async run({ open, server }) {
      const db = await open({ policy: { connections: { maxPerProcess: 4 } } });
      const progress = { done: false };
      let most = 0;

      const statements = Array.from({ length: 30 }, () => db.query(sleep(40)));
      const all = Promise.all(statements).finally(() => {
        progress.done = true;
      });
      while (!progress.done) {
        const running = (await server.sessions()).filter(({ state }) => state === "active");
        most = Math.max(most, running.length);
      }
      await all;

      assert.equal(most, 4);
    },
  },
  {
    id: "connections/acquire-timeout",
    title: "tells who holds the connections when waiting for one has taken too long",
    feature,
    async run({ open }) {
      const db = await open(oneConnection);
      const { opened, open: letGo } = door();
      const inBlock = door();
      const holder = db.block(async (block) => {
        await block.insert("held");
        inBlock.open();
        await opened;
      });
      await inBlock.opened;

      const waiting = within(2_000, "The waiting query", db.query("select 1 as one"));
      const error = policyError(
        await rejection("The query", waiting),
        "connection/acquire-timeout",
      );

      assert.match(error.message, /\b1\b/);
      assert.match(error.message, /300 ms/);
      letGo();
      await holder;
      // The wait of one caller costs the next one nothing.
      await db.query("select 1 as one");
    },
  },
  {
    id: "connections/acquire-timeout-for-block",
    title: "tells the same to whoever waits to open a block",
    feature,
    async run({ open, server }) {
      const db = await open(oneConnection);
      const { opened, open: letGo } = door();
      const inBlock = door();
      const holder = db.block(async (block) => {
        await block.insert("held");
        inBlock.open();
        await opened;
      });
      await inBlock.opened;

      const second = db.block((block) => block.insert("waited"));
      const waiting = within(2_000, "The second block", second);
      policyError(await rejection("The second block", waiting), "connection/acquire-timeout");

      letGo();
      await holder;
      assert.deepEqual(await durable(server), ["held"]);
    },
  },
  {
    id: "connections/acquire-timeout-of-its-own-block",
    title: "ends a query that waits for the connection of its own block, and the block goes on",
    feature,
    async run({ open, server }) {
      const db = await open(oneConnection);

      await db.block(async (block) => {
        await block.insert("before");
        const escaped = within(2_000, "The escaped query", db.insert("escaped"));
        const error = await rejection("The escaped query", escaped);
        policyError(error, "connection/acquire-timeout");
        await block.insert("after");
      });

      assert.deepEqual(await durable(server), ["after", "before"]);
    },
  },
  {
    id: "connections/wait-is-fair",
    title: "serves everybody who waits when there is one connection for thirty queries",
    feature: "Ordinary life",
    ordinary: true,
    async run({ open, server }) {
      const db = await open({
        policy: { connections: { maxPerProcess: 1 } },
        own: { poolMax: 1 },
      });

      await Promise.all(Array.from({ length: 30 }, (_, index) => db.insert(`invoice-${index}`)));

      const [row] = await server.rows("select count(*)::int as count from invoice");
      assert.equal(row?.["count"], 30);
    },
  },
];

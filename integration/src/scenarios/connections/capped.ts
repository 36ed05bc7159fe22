import assert from "node:assert/strict";
import { eventually, policyError, rejection, soon } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { door, durable, heldBlock } from "../ask.ts";

const feature = "Connections are capped, and waiting for one ends";

/** Also in the service's own words: a plain client has the same one connection. */
const oneConnection = {
  policy: { connections: { maxPerProcess: 1, acquireTimeoutMs: 600 } },
  own: { poolMax: 1 },
};

const BLOCKS_IN_POSTGRES = `
  select count(*)::int as blocks from pg_stat_activity
  where state in ('active', 'idle in transaction') and application_name <> 'observer'`;

/** The cap and the wait behind it. */
export const capped: readonly Scenario[] = [
  {
    id: "connections/cap",
    title: "never has more blocks open in Postgres than its cap, with thirty callers at once",
    feature,
    async run({ open }) {
      const connections = { maxPerProcess: 4, acquireTimeoutMs: 10_000 };
      const db = await open({ policy: { connections } });
      const { opened, open: letGo } = door();
      const counts: number[] = [];

      const blocks = Array.from({ length: 30 }, () =>
        db.block(async (block) => {
          const [row] = await block.query(BLOCKS_IN_POSTGRES);
          counts.push(Number(row?.["blocks"]));
          await opened;
        }),
      );
      await eventually(() => assert.ok(counts.length >= 4));
      // A fifth has nothing to wait for but the cap, and would be there by now.
      const fifth = eventually(() => assert.ok(counts.length > 4), 500);
      await rejection("Opening a fifth block", fifth);
      letGo();
      await Promise.all(blocks);

      // Each block has counted from its own place, so that no moment is missed.
      assert.equal(Math.max(...counts), 4);
    },
  },
  {
    id: "connections/cap-of-sockets",
    title: "never has more sockets at the pooler than its cap, closing ones included",
    feature,
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      const db = await open({ policy: { connections: { maxPerProcess: 4 } } });
      const mostClients = server.markClients();

      await Promise.all(Array.from({ length: 60 }, () => db.query("select 1 as one")));

      // A pool that forgets a connection before its socket is closed has 7 or 8 of them for a cap of 5.
      assert.equal(await mostClients(), 4);
    },
  },
  {
    id: "connections/acquire-timeout",
    title: "tells who holds the connections when waiting for one has taken too long",
    feature,
    async run({ open }) {
      const db = await open(oneConnection);
      const held = await heldBlock(db);

      const waiting = soon("The waiting query", db.query("select 1 as one"));
      const error = policyError(
        await rejection("The query", waiting),
        "connection/acquire-timeout",
      );

      assert.match(error.message, /\b1\b/);
      assert.match(error.message, /600 ms/);
      await held.end();
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
      const held = await heldBlock(db);

      const second = db.block((block) => block.insert("waited"));
      const waiting = soon("The second block", second);
      policyError(await rejection("The second block", waiting), "connection/acquire-timeout");

      await held.end();
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
        const escaped = soon("The escaped query", db.insert("escaped"));
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

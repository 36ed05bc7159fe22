import assert from "node:assert/strict";
import { transaction } from "@doorpolicy/pg";
import { eventually, rejection, soon, within } from "../../expect.ts";
import type { OwnProcess } from "../../frozen/own-process.ts";
import type { RunningServer } from "../../running-server.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, heldBlock, idleInTransaction, sleep } from "../ask.ts";

const SILENT = "A network or a process that falls silent is bounded";

/** The server's own limit follows a second later. */
const policy = { transaction: { idleTimeoutMs: 500 } };

/** Longest that it may take without a single answer: a cancel request, a ROLLBACK, and their limits. */
const BLACK_HOLE_MS = 18_000;

/** A black hole, a client that gives up, a process that stands still. */
export const silent: readonly Scenario[] = [
  {
    id: "faults/black-hole-in-block",
    title: "ends a block whose network swallows everything by its idle limit, and frees its place",
    feature: SILENT,
    wide: true,
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const db = await open({
        through: proxy,
        policy: { connections: { maxPerProcess: 1 }, transaction: { idleTimeoutMs: 400 } },
        own: { poolMax: 1 },
      });
      const held = await heldBlock(db);
      for (const connection of proxy.connections) connection.blackHole();

      // The ROLLBACK is swallowed, too, and given up after 5 s.
      const next = eventually(() => db.insert("after"), BLACK_HOLE_MS);
      await within(BLACK_HOLE_MS, "The next caller", next);

      await rejection("The block", soon("The block", held.end()));
      assert.deepEqual(await durable(server), ["after"]);
    },
  },
  {
    id: "faults/black-hole-in-transaction",
    title: "lets go of a transaction() whose network swallows everything when its caller goes away",
    feature: SILENT,
    wide: true,
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const db = await open({ through: proxy });
      const signal = AbortSignal.timeout(300);

      const work = transaction({ signal }, async () => {
        await db.insert("lost");
        for (const connection of proxy.connections) connection.blackHole();
        await db.insert("swallowed");
      });
      const error = await rejection("It", within(BLACK_HOLE_MS, "The transaction", work));

      assert.equal(error, signal.reason);
      await soon("The next caller", db.insert("after"));
      // Closing the client would wait for the connection that still tries to be polite.
      for (const connection of proxy.connections) connection.cut();
      assert.deepEqual(await durable(server), ["after"]);
    },
  },
  {
    id: "faults/query-timeout",
    title: "hands on no connection on which a statement runs that its caller has given up",
    feature: SILENT,
    poolSize: 1,
    async run({ open, server }) {
      const db = await open({
        policy: { connections: { reuse: "pool", maxPerProcess: 1 } },
        own: { poolMax: 1, startup: { query_timeout: 250 } },
      });

      const block = db.block(async (inside) => {
        await inside.insert("given up");
        await inside.query(sleep(900));
      });
      await rejection("The block", soon("The block", block));
      // By then its caller's own ROLLBACK has been given up as well, and was never sent.
      await eventually(async () => {
        const running = (await server.sessions()).filter(({ state }) => state === "active");
        assert.deepEqual(running, []);
      });
      await db.block((inside) => inside.insert("after"));

      assert.deepEqual(await durable(server), ["after"]);
      await nothingIsOpen(server);
    },
  },
  {
    id: "frozen/blocked-loop",
    title: "has a block ended in time whose process blocks its event loop, and tells it why",
    feature: SILENT,
    wide: true,
    async run({ openInProcess, server }) {
      const db = await openInProcess({ policy });
      await db.begin("frozen");

      const turning = db.blockLoop(3_500);
      await nothingIsOpen(server);
      await turning;

      await saysWhy(db, server);
    },
  },
  {
    id: "frozen/stopped-process",
    title: "has a block ended in time whose process is stopped, and tells it why when it goes on",
    feature: SILENT,
    wide: true,
    async run({ openInProcess, server }) {
      const db = await openInProcess({ policy });
      await db.begin("frozen");

      db.freeze();
      await nothingIsOpen(server);
      db.thaw();

      await saysWhy(db, server);
    },
  },
];

/** Whoever noticed it first: the server did it, and the guard hears of its own limit when it runs again. */
async function saysWhy(db: OwnProcess, server: RunningServer): Promise<void> {
  const words = await soon("The late statement", db.goOn("late"));

  assert.deepEqual(await durable(server), []);
  const text = words.join("\n");
  assert.match(text, /transaction\/ended-by-(?:server|policy)/);
  assert.match(text, /rolled this transaction back|This transaction was rolled back/);
  assert.match(text, /\d+ ms/);
}

function nothingIsOpen(server: RunningServer): Promise<void> {
  return eventually(async () => assert.deepEqual(await idleInTransaction(server), []));
}

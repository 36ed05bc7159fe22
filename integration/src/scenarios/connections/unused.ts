import assert from "node:assert/strict";
import { eventually, rejection } from "../../expect.ts";
import type { RunningServer } from "../../running-server.ts";
import type { Scenario } from "../../scenario.ts";
import { sleep } from "../ask.ts";

const feature = "No connection stays open unused";

/** No pool: the only connections that exist are the ones being used. */
export const unused: readonly Scenario[] = [
  {
    id: "connections/none-after-query",
    title: "leaves no connection behind after a query",
    feature,
    async run({ open, server }) {
      const db = await open();

      await db.query("select 1 as one");

      await nobodyIsConnected(server);
    },
  },
  {
    id: "connections/none-after-ten",
    title: "leaves no connection behind after ten queries at once",
    feature,
    async run({ open, server }) {
      const db = await open();

      await Promise.all(Array.from({ length: 10 }, () => db.query(sleep(50))));

      await nobodyIsConnected(server);
    },
  },
  {
    id: "connections/none-after-block",
    title: "leaves no connection behind after a block",
    feature,
    async run({ open, server }) {
      const db = await open();

      await db.block((block) => block.insert("in-block"));

      await nobodyIsConnected(server);
    },
  },
  {
    id: "connections/none-after-error",
    title: "leaves no connection behind after a block whose statement failed",
    feature,
    async run({ open, server }) {
      const db = await open();

      await rejection(
        "The block",
        db.block((block) => block.query("select 1 / 0")),
      );

      await nobodyIsConnected(server);
    },
  },
  {
    id: "connections/none-after-close",
    title: "has no socket left when closing it has resolved",
    feature: "Closing waits for the last socket",
    async run({ open, server }) {
      const before = openSockets();
      const db = await open();
      await Promise.all(Array.from({ length: 10 }, () => db.query(sleep(50))));

      await db.close();

      // At once, not eventually: whoever awaited `close()` may end the process or drop the database.
      assert.equal(openSockets(), before);
      assert.deepEqual(await server.connections(), []);
    },
  },
];

// The pooler, not the ORM, is asked: only it knows who is still connected.
function nobodyIsConnected(server: RunningServer): Promise<void> {
  return eventually(async () => assert.deepEqual(await server.connections(), []));
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;
}

import { type FaultProxy, startFaultProxy } from "@doorpolicy/testbed";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, rejection, startWorld, type World } from "./world.ts";

let world: World;
let proxy: FaultProxy;

beforeAll(async () => {
  world = await startWorld();
  proxy = await startFaultProxy({ target: world.bed.urls.pooled });
}, 60_000);
beforeEach(() => proxy.clear());
afterAll(async () => {
  await proxy.stop();
  await world[Symbol.asyncDispose]();
});

const ENDED = { code: "transaction/ended-by-policy" };
const connections = { acquireTimeoutMs: 150 };
const transaction = { idleTimeoutMs: 400, timeoutMs: 1_200 };
const targets = { main: { pooler: { kind: "pgbouncer", version: "1.24" } } } as const;

describe("a block over its total limit while a statement runs", () => {
  test("has the statement cancelled, says why, and spares the pooler its server connection", async () => {
    const { pg, seen } = world.guard({ transaction, connections, targets });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    const dropped = world.droppedServers();
    await client.query("BEGIN");
    const began = performance.now();

    const error = await rejection(client.query("select pg_sleep(15)"));

    expect(error).toMatchObject(ENDED);
    expect(performance.now() - began).toBeLessThan(6_000);
    client.release();
    await pool.end();
    await eventually(() =>
      expect(seen).toMatchObject([{ rule: "transaction/timeout", action: "rolled-back" }]),
    );
    expect(world.droppedServers()).toBe(dropped);
    expect(await world.openTransactions()).toBe(0);
  });

  test.each(["BEGIN", "select 1"])(
    "is given up when the network swallows %s, and its place is free again",
    async (swallowed) => {
      const { pg, seen } = world.guard({ transaction, connections, targets });
      const pool = new pg.Pool({ connectionString: proxy.url(world.bed.urls.pooled), max: 1 });
      const client = await pool.connect();
      proxy.when(
        {
          direction: "client",
          message: ["Query", "Parse"],
          match: ({ sql }) => sql?.startsWith(swallowed) ?? false,
        },
        "blackHole",
      );

      const outcome = rejection(client.query("BEGIN").then(() => client.query("select 1")));

      expect(await outcome).toMatchObject(ENDED);
      expect(seen).toMatchObject([{ rule: "transaction/timeout", action: "closed" }]);
      proxy.clear();
      expect((await pool.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
      client.release();
      await pool.end();
    },
  );
});

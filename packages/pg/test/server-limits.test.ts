import { transaction } from "@doorpolicy/pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { eventually, pause, rejection, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.bed.sql("create table note (text text); grant all on note to public", "app");
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const ENDED = { code: "transaction/ended-by-server" };

/** Nothing else happens in this process meanwhile: no timer fires and no socket is read. */
function blockEventLoop(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

describe("a block that the server ended by its own limit", () => {
  // The guard's own limit is 400 ms, and what it tells the server 1 400 ms.
  const limits = { idleTimeoutMs: 400 };

  test("while the event loop was blocked is said to be so, and who opened it", async () => {
    const { pg } = world.guard({ transaction: limits });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    await client.query("insert into note values ('never')");

    blockEventLoop(1_800);
    await pause(1);
    const error = await rejection(client.query("COMMIT"));

    expect(error).toMatchObject({
      ...ENDED,
      message: expect.stringMatching(
        /^The server rolled this transaction back and closed its connection: no statement ran in it for longer than its idle_in_transaction_session_timeout \(1400 ms\) allows\. It was opened at .*server-limits\.test\.ts/,
      ),
      cause: expect.objectContaining({ code: "25P03" }),
    });
    expect(await world.bed.sql("select * from note", "app")).toEqual([]);
    await client.end();
  });

  test("answers a statement that was sent before the end was read", async () => {
    const { pg, seen } = world.guard({ transaction: limits });
    const client = new pg.Client(world.bed.urls.direct);
    await client.connect();
    await client.query("BEGIN");

    blockEventLoop(1_800);
    const results = await Promise.allSettled([client.query("COMMIT"), client.query("select 1")]);

    expect(results).toMatchObject([{ reason: ENDED }, { reason: ENDED }]);
    expect(seen).toEqual([]);
    await client.end();
  });

  test("frees the slot of a pool, whose next caller is served", async () => {
    const { pg } = world.guard({ transaction: limits, connections: { maxPerProcess: 1 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");

    blockEventLoop(1_800);
    await pause(1);
    const { rows } = await pool.query("select 1 as n");

    expect(rows).toEqual([{ n: 1 }]);
    expect(await rejection(client.query("COMMIT"))).toMatchObject(ENDED);
    client.release();
    await pool.end();
  });

  test("by transaction_timeout is said to be so", async () => {
    const { pg } = world.guard({}, undefined, { lane: "direct" });
    const client = new pg.Client(world.bed.urls.direct);
    await client.connect();
    await client.query("BEGIN");
    await client.query("SET LOCAL transaction_timeout = 150");
    const ended = new Promise((resolve) => client.once("end", resolve));

    await ended;

    expect(await rejection(client.query("COMMIT"))).toMatchObject({
      ...ENDED,
      message: expect.stringContaining("it was open for longer than its transaction_timeout"),
      cause: expect.objectContaining({ code: "25P04" }),
    });
  });

  test("by the pooler is said to be so", async () => {
    await world.bed.admin("SET idle_transaction_timeout = '0.3'");
    const { pg } = world.guard({ transaction: { idleTimeoutMs: 4_000 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");

    await new Promise((resolve) => client.once("end", resolve));
    await world.bed.admin("SET idle_transaction_timeout = '0'");

    expect(await rejection(client.query("COMMIT"))).toMatchObject({
      ...ENDED,
      message: expect.stringContaining("The pooler rolled this transaction back"),
    });
  });

  test.each(["observe", "bypass"] as const)("is pg's own error in %s", async (mode) => {
    const { pg, seen } = world.guard({ mode });
    const client = new pg.Client(world.bed.urls.direct);
    await client.connect();
    await client.query("BEGIN");
    await client.query("SET LOCAL idle_in_transaction_session_timeout = 100");

    await new Promise((resolve) => client.once("end", resolve));
    const error = await rejection(client.query("COMMIT"));

    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^Client has encountered a connection error and is not queryable(?:$|: )/,
      ),
      cause: expect.objectContaining({ code: "25P03" }),
    });
    expect(seen).toEqual([]);
    await client.end();
  });
});

test("a block that the guard looked at late, and the server not at all, is ended by the guard", async () => {
  const { pg } = world.guard({ transaction: { idleTimeoutMs: 300 } });
  const client = new pg.Client(world.bed.urls.pooled);
  await client.connect();
  await client.query("BEGIN");

  blockEventLoop(500);
  await eventually(async () => expect(await world.openTransactions()).toBe(0));

  expect(await rejection(client.query("COMMIT"))).toMatchObject({
    code: "transaction/ended-by-policy",
  });
});

describe("the limits of a block on a proxy that a setting pins", () => {
  const targets = { main: { pooler: { kind: "rds-proxy" as const } } };
  const asked = "select current_setting('lock_timeout') as lock";

  test("are not told with BEGIN", async () => {
    const { pg } = world.guard({ targets, transaction: { lockTimeoutMs: 700 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();

    await client.query("BEGIN");
    const { rows } = await client.query(asked);
    await client.query("COMMIT");

    expect(rows).toEqual([{ lock: "0" }]);
    await client.end();
  });

  test("are not told by transaction() either", async () => {
    const { pg } = world.guard({ targets, transaction: { lockTimeoutMs: 700 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    const { rows } = await transaction(() => pool.query(asked));

    expect(rows).toEqual([{ lock: "0" }]);
    await pool.end();
  });
});

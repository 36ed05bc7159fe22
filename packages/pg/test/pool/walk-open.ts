import type { PoolClient } from "pg";
import { describe, expect, test } from "vitest";

import { eventually, pause } from "../world.ts";
import type { CountedPool } from "./pool-stage.ts";
import { KEPT, type Walk } from "./walk.ts";

/** The rows of the table of `null-pool.ts` in which a connection has been opened. */
export function walkOpen(walk: Walk): void {
  const { stage, actor, wired } = walk;
  describe("a connection in use", () => {
    test("given back clean, is in use by the first who waits, and nothing is opened", async () => {
      const pool = actor({ maxPerProcess: 1 }).pool();
      const since = stage().world.bed.logs.mark();
      const holder = await pool.connect();
      const next = pool.connect();

      holder.release();
      const client = await next;

      expect(await answerOf(client)).toBe(1);
      expect(pool.counters).toMatchObject({ inUse: 1, handedOver: 1, opened: 1 });
      expect(stage().logins(since)).toMatchObject({ opened: 1, closed: 0 });
      client.release();
    });

    test("given back clean to nobody, lies idle", async () => {
      const pool = actor(KEPT).pool();

      await pool.query("select 1");

      expect(pool.counters).toMatchObject({ idle: 1, open: 1, closed: 0 });
      await stage().untilClients(1);
    });

    test("given back too old, is closed though somebody waits, who gets another one", async () => {
      const pool = actor({ maxPerProcess: 1, maxLifetimeMs: 40, idleTimeoutMs: 40 }).pool();
      const since = stage().world.bed.logs.mark();
      const holder = await pool.connect();
      const next = pool.connect();
      // Its time goes by while somebody has it, and is over when he gives it back.
      await pause(60);

      holder.release();
      (await next).release();

      await stage().untilClients(0);
      expect(stage().logins(since)).toEqual({ opened: 2, closed: 2, mostAtOnce: 1 });
      expect(pool.counters).toMatchObject({ opened: 2, handedOver: 0 });
    });

    test("is not closed for its age while it is in use", async () => {
      const pool = actor({ maxLifetimeMs: 40, idleTimeoutMs: 40 }).pool();
      const holder = await pool.connect();

      await pause(120);

      expect(await answerOf(holder)).toBe(1);
      holder.release();
    });

    test("given back with an error, is closed, and the place is for whoever waits", async () => {
      const pool = actor({ ...KEPT, maxPerProcess: 1 }).pool();
      const since = stage().world.bed.logs.mark();
      const holder = await pool.connect();
      const next = pool.connect();

      holder.release(new Error("broken"));
      (await next).release();

      expect(stage().logins(since)).toEqual({ opened: 2, closed: 1, mostAtOnce: 1 });
      expect(pool.counters).toMatchObject({ opened: 2, closed: 1, idle: 1 });
    });

    test("given back with a transaction open, is rolled back before anybody gets it", async () => {
      const pool = actor({ ...KEPT, maxPerProcess: 1 }).pool();
      const holder = await pool.connect();
      await holder.query("BEGIN");
      const next = pool.query("select pg_current_xact_id_if_assigned() as x, now() as n");

      holder.release();
      await next;

      expect(await stage().world.openTransactions()).toBe(0);
      expect(pool.counters).toMatchObject({ inUse: 0 });
    });

    test("lost, gives its place to whoever waits", async () => {
      const pool = wired({ maxPerProcess: 1 });
      const holder = await pool.connect();
      const lost = new Promise((resolve) => holder.once("end", resolve));
      const next = pool.query("select 1 as n");

      stage().wire.cut();
      await lost;

      expect((await next).rows).toEqual([{ n: 1 }]);
      holder.release();
      await eventually(() => expect(pool.counters).toMatchObject({ open: 0, closed: 2 }));
    });

    test("is waited for by the end of the pool", async () => {
      const pool = actor().pool();
      const holder = await pool.connect();
      let isEnded = false;

      const ended = pool.end().then(() => (isEnded = true));
      await pause(30);
      const early = isEnded;
      const answer = await answerOf(holder);
      holder.release();
      await ended;

      expect(early).toBe(false);
      expect(answer).toBe(1);
      expect(await stage().clients()).toBe(0);
    });
  });

  describe("a connection that nobody uses", () => {
    test("asked for, is in use again", async () => {
      const pool = actor(KEPT).pool();
      const since = stage().world.bed.logs.mark();

      for (let round = 0; round < 5; round++) await pool.query("select 1");

      expect(stage().logins(since)).toMatchObject({ opened: 1, closed: 0 });
      expect(pool.counters).toMatchObject({ opened: 1, handedOver: 4 });
    });

    test("over its time, is closed", async () => {
      const pool = actor({ ...KEPT, idleTimeoutMs: 50 }).pool();

      await pool.query("select 1");
      await stage().untilClients(1);

      await stage().untilClients(0);
      expect(pool.counters).toMatchObject({ open: 0, closed: 1 });
    });

    test("too old, is closed before its time is over", async () => {
      const pool = actor({ ...KEPT, idleTimeoutMs: 60, maxLifetimeMs: 60 }).pool();
      const started = performance.now();
      await pool.query("select 1");
      while (performance.now() - started < 45) await pool.query("select 1");

      await stage().untilClients(0);

      expect(performance.now() - started).toBeLessThan(2_000);
      expect(pool.counters.open).toBe(0);
    });

    test("lost, is told to the pool's error listeners, and the next statement opens another", async () => {
      const pool = wired(KEPT);
      await pool.query("select 1");
      const told = new Promise((resolve) => {
        pool.once("error", (...values) => resolve(values));
      });

      stage().wire.cut();

      expect(await told).toMatchObject([expect.any(Error), expect.any(Object)]);
      expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
      expect(pool.counters).toMatchObject({ opened: 2, closed: 1, open: 1 });
    });

    test("is closed by the end of the pool", async () => {
      const pool = actor({ ...KEPT, idleTimeoutMs: 30_000 }).pool();
      await Promise.all([pool.query("select 1"), pool.query("select 1")]);
      await stage().untilClients(2);

      await pool.end();

      expect(await stage().clients()).toBe(0);
      expect(pool.counters).toMatchObject({ open: 0, closed: 2 });
    });
  });

  describe("a connection that is being closed", () => {
    test("keeps its place until its socket is closed", async () => {
      const pool = await closingPool(walk);
      const opened = stage().wire.opened;

      const asked = pool.query("select 1 as n");
      await pause(30);
      const { closing: count, connecting, waiting } = pool.counters;
      const openedMeanwhile = stage().wire.opened - opened;
      stage().wire.letGo();

      expect({ count, connecting, waiting }).toEqual({ count: 1, connecting: 0, waiting: 1 });
      expect(openedMeanwhile).toBe(0);
      expect((await asked).rows).toEqual([{ n: 1 }]);
    });

    test("lost, gives its place to whoever waits", async () => {
      const pool = await closingPool(walk);
      const asked = pool.query("select 1 as n");

      stage().wire.cut();
      stage().wire.letGo();

      expect((await asked).rows).toEqual([{ n: 1 }]);
      expect(pool.counters).toMatchObject({ opened: 2 });
    });

    test("is waited for by the end of the pool", async () => {
      const pool = await closingPool(walk);
      let isEnded = false;

      const ended = pool.end().then(() => (isEnded = true));
      await pause(30);
      const early = isEnded;
      stage().wire.letGo();
      await ended;

      expect(early).toBe(false);
      expect(pool.counters).toMatchObject({ open: 0, closed: 1 });
    });
  });
}

async function answerOf(client: { query: PoolClient["query"] }): Promise<number> {
  const { rows } = await client.query<{ n: number }>("select 1 as n");
  return rows[0]?.n ?? 0;
}

/** A pool with a connection whose goodbye the client does not hear until the test lets it. */
export async function closingPool({ wired, stage }: Walk): Promise<CountedPool> {
  const pool = wired({ maxPerProcess: 1 });
  const holder = await pool.connect();
  stage().wire.hold();
  holder.release(new Error("broken"));
  await stage().untilClients(0);
  return pool;
}

import type { ResolvedConnections } from "@doorpolicy/core";
import type { PoolClient } from "pg";
import { describe, expect, test } from "vitest";

import { eventually, pause, rejection } from "../world.ts";
import type { CountedPool, PoolActor, PoolStage } from "./pool-stage.ts";

/** Kept for as long as a test lasts. */
const KEPT = { reuse: "pool" } as const;

/** Walks the table of `null-pool.ts`, state by state and event by event, with one pg. */
export function walkPool(name: string, stage: () => PoolStage): void {
  const actor = (connections: Partial<ResolvedConnections> = {}): PoolActor =>
    stage().actor({ maxPerProcess: 2, lingerMs: 0, ...connections }, { module: name });
  /** A pool over the wire, so that the test decides when a server's answer arrives. */
  const wired = (connections: Partial<ResolvedConnections> = {}): CountedPool =>
    actor(connections).pool({ connectionString: stage().wire.url(stage().world.bed.urls.pooled) });
  const backendOf = async (client: { query: PoolClient["query"] }): Promise<number> => {
    const { rows } = await client.query<{ n: number }>("select 1 as n");
    return rows[0]?.n ?? 0;
  };

  describe("a connection that is not there", () => {
    test("asked for, is opened for each who waits, while there is room in the pool", async () => {
      const pool = actor().pool();
      const since = stage().world.bed.logs.mark();

      const asked = Array.from({ length: 5 }, () => pool.connect());
      const first = await Promise.all(asked.slice(0, 2));
      await stage().untilClients(2);
      const { inUse, waiting, opened } = pool.counters;
      for (const client of first) client.release();
      for (const client of await Promise.all(asked.slice(2, 4))) client.release();
      (await asked[4])?.release();

      expect({ inUse, waiting, opened }).toEqual({ inUse: 2, waiting: 3, opened: 2 });
      await stage().untilClients(0);
      expect(stage().logins(since)).toEqual({ opened: 2, closed: 2, mostAtOnce: 2 });
      expect(pool.counters).toMatchObject({ opened: 2, handedOver: 3, closed: 2, open: 0 });
    });

    test("is opened once for each caller, and not again for those that are being opened", async () => {
      const pool = wired({ maxPerProcess: 5 });
      stage().wire.hold();

      const asked = [pool.query("select 1"), pool.query("select 2"), pool.query("select 3")];
      await eventually(() => expect(pool.counters.connecting).toBe(3));
      stage().wire.letGo();
      await Promise.all(asked);

      expect(pool.counters).toMatchObject({ opened: 3, failed: 0 });
    });

    test("asked for after the end, is refused", async () => {
      const pool = actor().pool();
      const since = stage().world.bed.logs.mark();

      await pool.end();
      const error = await rejection(pool.query("select 1"));

      expect(error).toMatchObject({ message: expect.stringMatching(/after calling end/) });
      expect(stage().logins(since).opened).toBe(0);
    });

    test("cannot be made: its error goes to who asked, and its place to the next", async () => {
      const { pg, pool: open } = actor({ maxPerProcess: 1 });
      let isBroken = true;
      class Breaking extends pg.Client {
        constructor(config?: object) {
          if (isBroken) throw new Error("no such certificate");
          super(config);
        }
      }
      const pool = open({ Client: Breaking });

      const error = await rejection((async () => pool.query("select 1"))());
      isBroken = false;
      const { rows } = await pool.query("select 1 as n");

      expect(error).toMatchObject({ message: "no such certificate" });
      expect(rows).toEqual([{ n: 1 }]);
      expect(pool.counters).toMatchObject({ waiting: 0, connecting: 0, failed: 1 });
    });
  });

  describe("a connection that is being opened", () => {
    test("ready, goes to whoever waits longest", async () => {
      const pool = wired({ maxPerProcess: 1 });
      const order: number[] = [];
      stage().wire.hold();

      const asked = [1, 2, 3].map((n) => pool.query("select 1").then(() => order.push(n)));
      await eventually(() => expect(pool.counters.connecting).toBe(1));
      stage().wire.letGo();
      await Promise.all(asked);

      expect(order).toEqual([1, 2, 3]);
      expect(pool.counters).toMatchObject({ opened: 1, handedOver: 2 });
    });

    test("is nobody's: whoever asked for it is served by one that is given back first", async () => {
      const pool = wired({ ...KEPT });
      const holder = await pool.connect();
      stage().wire.hold();
      const asked = pool.connect();
      await eventually(() => expect(stage().wire.open).toBe(2));

      holder.release();
      const client = await asked;
      const { connecting, inUse } = pool.counters;
      stage().wire.letGo();
      await eventually(() => expect(pool.counters.connecting).toBe(0));

      expect({ connecting, inUse }).toEqual({ connecting: 1, inUse: 1 });
      expect(pool.counters).toMatchObject({ idle: 1, inUse: 1, handedOver: 1 });
      client.release();
    });

    test("ready when nobody waits any more, is closed", async () => {
      const pool = wired();
      const holder = await pool.connect();
      stage().wire.hold();
      const asked = pool.connect();
      await eventually(() => expect(stage().wire.open).toBe(2));
      holder.release();
      (await asked).release();

      stage().wire.letGo();

      await eventually(() => expect(pool.counters.open).toBe(0));
      expect(pool.counters).toMatchObject({ opened: 2, closed: 2 });
      await stage().untilClients(0);
    });

    test("lost, gives its error to whoever waits longest, and its place to the next", async () => {
      const pool = wired({ maxPerProcess: 1 });
      stage().wire.hold();
      const first = rejection(pool.query("select 1"));
      const second = pool.query("select 2 as n");
      await eventually(() => expect(stage().wire.open).toBe(1));

      stage().wire.cut();
      const error = await first;
      stage().wire.letGo();

      expect(error).toMatchObject({ message: expect.stringMatching(/terminated|ECONNRESET/) });
      expect((await second).rows).toEqual([{ n: 2 }]);
      expect(pool.counters).toMatchObject({ failed: 1, opened: 1 });
    });

    test("over its time, frees its place, and tells those who have waited as long", async () => {
      const pool = wired({ maxPerProcess: 1, acquireTimeoutMs: 150 });
      stage().wire.hold();

      const error = await rejection(pool.query("select 1"));
      await eventually(() => expect(pool.counters.open).toBe(0));
      stage().wire.letGo();

      expect(error).toMatchObject({ code: "connection/acquire-timeout" });
      expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
      expect(pool.counters).toMatchObject({ failed: 1, timedOut: 1, opened: 1 });
    });

    test("is closed when it is ready if the pool ends meanwhile, and the end waits for that", async () => {
      const pool = wired();
      stage().wire.hold();
      const asked = rejection(pool.query("select 1"));
      await eventually(() => expect(stage().wire.open).toBe(1));

      const ended = pool.end();
      const error = await asked;
      const before = pool.counters.open;
      stage().wire.letGo();
      await ended;

      expect(error).toMatchObject({ message: expect.stringMatching(/^The pool was ended/) });
      expect(before).toBe(1);
      expect(pool.counters).toMatchObject({ open: 0, closed: 1 });
      await stage().untilClients(0);
    });
  });

  describe("a connection in use", () => {
    test("given back clean, is in use by the first who waits, and nothing is opened", async () => {
      const pool = actor({ maxPerProcess: 1 }).pool();
      const since = stage().world.bed.logs.mark();
      const holder = await pool.connect();
      const next = pool.connect();

      holder.release();
      const client = await next;

      expect(await backendOf(client)).toBe(1);
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

      expect(await backendOf(holder)).toBe(1);
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
      const answer = await backendOf(holder);
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
      const pool = actor(KEPT).pool();
      await Promise.all([pool.query("select 1"), pool.query("select 1")]);
      await stage().untilClients(2);

      await pool.end();

      expect(await stage().clients()).toBe(0);
      expect(pool.counters).toMatchObject({ open: 0, closed: 2 });
    });
  });

  describe("a connection that is being closed", () => {
    /** One whose goodbye the client never hears, until the test lets it. */
    const closing = async (): Promise<CountedPool> => {
      const pool = wired({ maxPerProcess: 1 });
      const holder = await pool.connect();
      stage().wire.hold();
      holder.release(new Error("broken"));
      await stage().untilClients(0);
      return pool;
    };

    test("keeps its place until its socket is closed", async () => {
      const pool = await closing();
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
      const pool = await closing();
      const asked = pool.query("select 1 as n");

      stage().wire.cut();
      stage().wire.letGo();

      expect((await asked).rows).toEqual([{ n: 1 }]);
      expect(pool.counters).toMatchObject({ opened: 2 });
    });

    test("is waited for by the end of the pool", async () => {
      const pool = await closing();
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

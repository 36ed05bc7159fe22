import { describe, expect, test } from "vitest";

import { eventually, rejection } from "../world.ts";
import { KEPT, type Walk } from "./walk.ts";

/** The rows of the table of `null-pool.ts` in which nobody can have the connection yet. */
export function walkOpening({ stage, actor, wired }: Walk): void {
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
      const pool = wired({ maxPerProcess: 1, connectRetry: false });
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
}

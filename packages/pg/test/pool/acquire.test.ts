import { createHook } from "node:async_hooks";
import { createServer } from "node:net";

import { transaction } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { eventually, pause, rejection } from "../world.ts";
import { type CountedPool, type PoolStage, startPoolStage } from "./pool-stage.ts";

let stage: PoolStage;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

describe("the acquire limit", () => {
  test("holds for each caller from when he came", async () => {
    const { pool: open } = stage.actor({ maxPerProcess: 1, acquireTimeoutMs: 200 });
    const pool = open();
    const holder = await pool.connect();
    const waited = async (): Promise<number> => {
      const started = performance.now();
      await rejection(pool.connect());
      return performance.now() - started;
    };

    const first = waited();
    await pause(120);
    const second = waited();

    expect(await first).toBeGreaterThan(195);
    expect(await second).toBeGreaterThan(195);
    expect(pool.counters).toMatchObject({ timedOut: 2, waiting: 0 });
    holder.release();
  });

  test("says what the pool does, and who holds what, in whichever pool", async () => {
    const { pool, seen } = stage.actor({ maxPerProcess: 2, acquireTimeoutMs: 120 });
    const [mine, other] = [pool(), pool()];
    const held = [await other.connect(), await mine.connect()];

    const error = await rejection(mine.connect());

    expect(error).toMatchObject({
      code: "connection/acquire-timeout",
      message: expect.stringMatching(
        /^No connection within 120 ms: 2 of 2 are in use and 0 more callers wait\. The oldest has been held for \d+ ms, taken at .*acquire\.test\.ts:\d+:\d+\. The others: \d+ ms, taken at .*acquire\.test\.ts:\d+:\d+\. 0 are being opened and 0 closed; so far this pool has opened 1, failed to open 0, closed 0, and handed 0 from one caller to the next\./,
      ),
    });
    expect(String(error)).not.toContain("app:app");
    expect(seen).toMatchObject([{ rule: "connections/acquire-timeout", action: "reported" }]);
    for (const client of held) client.release();
  });

  test("of a caller whose transaction was aborted meanwhile ends at once, and leaves no one in the queue", async () => {
    const pool = stage.actor({ maxPerProcess: 1 }).pool();
    const holder = await pool.connect();
    const abort = new AbortController();
    const asked = rejection(
      transaction({ signal: abort.signal }, () => pool.query("select 1 as n")),
    );
    await eventually(() => expect(pool.counters.waiting).toBe(1));

    abort.abort(new Error("the client has gone"));

    expect(await asked).toMatchObject({ message: "the client has gone" });
    expect(pool.counters).toMatchObject({ waiting: 0, inUse: 1 });
    holder.release();
    expect((await pool.query("select 2 as n")).rows).toEqual([{ n: 2 }]);
  });

  test("is not over for whoever comes after a connection that hangs: it frees its place", async () => {
    const pool = wired({ maxPerProcess: 1, acquireTimeoutMs: 800 });
    stage.wire.hold();
    const hanging = rejection(pool.query("select 1"));
    await pause(400);
    const later = pool.query("select 2 as n");

    const error = await hanging;
    await eventually(() => expect(pool.counters.failed).toBe(1));
    stage.wire.letGo();

    expect(error).toMatchObject({ code: "connection/acquire-timeout" });
    expect((await later).rows).toEqual([{ n: 2 }]);
    expect(pool.counters).toMatchObject({ timedOut: 1, failed: 1, opened: 1 });
  });
});

describe("thousands who wait", () => {
  test("are served in the order in which they came, with one timer for all of them", async () => {
    const CALLERS = 5_000;
    const pool = stage.actor({ maxPerProcess: 4, acquireTimeoutMs: 19_000 }).pool();
    const order: number[] = [];
    let timers = 0;
    const hook = createHook({
      init(_id, type) {
        if (type === "Timeout") timers += 1;
      },
    }).enable();

    const asked = Array.from({ length: CALLERS }, async (_, index) => {
      const client = await pool.connect();
      order.push(index);
      client.release();
    });
    const { waiting } = pool.counters;
    await Promise.all(asked);
    hook.disable();

    expect(waiting).toBe(CALLERS);
    expect(order).toEqual(Array.from({ length: CALLERS }, (_, index) => index));
    expect(timers).toBeLessThan(100);
    expect(pool.counters.handedOver).toBeGreaterThanOrEqual(CALLERS - 4);
  });

  test("get their answers when each has a statement", async () => {
    const pool = stage.actor({ maxPerProcess: 4, acquireTimeoutMs: 19_000 }).pool();
    const since = stage.world.bed.logs.mark();

    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => {
        const { rows } = await pool.query<{ n: number }>("select $1::int as n", [n]);
        return rows[0]?.n === n;
      }),
    );

    expect(answers.every(Boolean)).toBe(true);
    expect(stage.logins(since)).toMatchObject({ opened: 4, mostAtOnce: 4 });
  });
});

describe("a connection that cannot be had", () => {
  // What is tried again instead is in `../retry`.
  const connectRetry = false;
  const faults: Readonly<Record<string, () => Promise<[CountedPool, RegExp]>>> = {
    "nobody listens": async () => {
      const pool = stage.actor({ maxPerProcess: 2, connectRetry }).pool({
        connectionString: `postgres://app@127.0.0.1:${await closedPort()}/app`,
      });
      return [pool, /ECONNREFUSED/];
    },
    "the pooler refuses the login": async () => {
      const url = new URL(stage.world.bed.urls.pooled);
      url.pathname = "/nowhere";
      const pool = stage.actor({ maxPerProcess: 2 }).pool({ connectionString: url.href });
      return [pool, /no such database/];
    },
    "the pooler has no TLS": async () => {
      const pool = stage.actor({ maxPerProcess: 2 }).pool({ ssl: { rejectUnauthorized: false } });
      return [pool, /does not support SSL/];
    },
  };

  test.each(Object.entries(faults))("(%s) fails one caller each", async (_, make) => {
    const [pool, reason] = await make();

    const errors = await Promise.all(
      Array.from({ length: 7 }, () => rejection(pool.query("select 1"))),
    );

    for (const error of errors) {
      expect(error).toMatchObject({ message: expect.stringMatching(reason) });
    }
    await eventually(() =>
      expect(pool.counters).toMatchObject({ failed: 7, opened: 0, open: 0, waiting: 0 }),
    );
  });

  test("is no reason to refuse the next caller once it can be had", async () => {
    const pool = wired({ maxPerProcess: 1, connectRetry });
    stage.wire.hold();
    const failed = rejection(pool.query("select 1"));
    const others = [2, 3, 4].map((n) => pool.query("select $1::int as n", [n]));
    await eventually(() => expect(stage.wire.open).toBe(1));

    stage.wire.cut();
    stage.wire.letGo();

    expect(await failed).toBeInstanceOf(Error);
    const answers = await Promise.all(others);
    expect(answers.map(({ rows }) => rows)).toEqual([[{ n: 2 }], [{ n: 3 }], [{ n: 4 }]]);
  });

  test("while the pooler restarts, is had again afterwards, and nothing is left over", async () => {
    const pool = stage.actor({ maxPerProcess: 3, reuse: "pool" }).pool();
    const over = new AbortController();
    let served = 0;
    const errors: unknown[] = [];
    const caller = async (): Promise<void> => {
      while (!over.signal.aborted) {
        try {
          await pool.query("select 1");
          served += 1;
        } catch (error) {
          errors.push(error);
          await pause(5);
        }
      }
    };
    const callers = Array.from({ length: 6 }, caller);
    await eventually(() => expect(served).toBeGreaterThan(20));

    await stage.world.bed.restartPooler();
    const before = served;
    await eventually(() => expect(served).toBeGreaterThan(before + 20));
    over.abort();
    await Promise.all(callers);

    expect(errors.length).toBeGreaterThan(0);
    await eventually(() =>
      expect(pool.counters).toMatchObject({ inUse: 0, connecting: 0, closing: 0, waiting: 0 }),
    );
    const { opened, failed, retried, closed, open } = pool.counters;
    expect(opened).toBe(closed + open);
    expect(failed - retried).toBeLessThanOrEqual(errors.length);
  });
});

function wired(connections: Parameters<PoolStage["actor"]>[0]): CountedPool {
  const { actor, wire, world } = stage;
  return actor(connections).pool({ connectionString: wire.url(world.bed.urls.pooled) });
}

/** A port at which nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return typeof address === "object" && address !== null ? address.port : 0;
}

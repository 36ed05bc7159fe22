import { createRequire } from "node:module";

import { definePolicy } from "@doorpolicy/core";
import * as one from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { gateOf } from "../../src/pool/gate.ts";
import { eventually, pause, requirePg } from "../world.ts";
import { counted, type CountedPool, type PoolStage, startPoolStage } from "./pool-stage.ts";

const GATE = 3;
const CONNECTIONS = { maxPerProcess: GATE, lingerMs: 0 } as const;

let stage: PoolStage;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

/** The CJS build beside the ESM one. */
function secondCopy(): typeof one {
  return createRequire(import.meta.url)("@doorpolicy/pg");
}

/** Statements of many callers on each pool, each of which asks again at once. */
async function busy(pools: readonly CountedPool[], callers: number, rounds: number): Promise<void> {
  const caller = async (pool: CountedPool): Promise<void> => {
    for (let round = 0; round < rounds; round++) await pool.query("select 1");
  };
  await Promise.all(pools.flatMap((pool) => Array.from({ length: callers }, () => caller(pool))));
}

describe("pools at one gate", () => {
  const kinds: Readonly<Record<string, () => Promise<readonly CountedPool[]>>> = {
    "two of one module": async () => {
      const { pool } = stage.actor(CONNECTIONS);
      return [pool(), pool()];
    },
    "two of two guarded modules": async () => [
      stage.actor(CONNECTIONS).pool(),
      stage.actor(CONNECTIONS).pool(),
    ],
    "of four versions of pg": async () =>
      ["pg85", "pg811", "pg816", "pg"].map((module) => stage.actor(CONNECTIONS, { module }).pool()),
    "of two copies of this package": async () => {
      const two = secondCopy();
      expect(two.guardPg).not.toBe(one.guardPg);
      const policy = definePolicy({ mode: "enforce", connections: CONNECTIONS });
      const other = new (two.guardPg(requirePg("pg816"), policy).Pool)({
        connectionString: stage.world.bed.urls.pooled,
      });
      return [stage.actor(CONNECTIONS).pool(), stage.owned(counted(other))];
    },
    "one that keeps its connections, and one that does not": async () => [
      stage.actor({ ...CONNECTIONS, reuse: "pool" }).pool(),
      stage.actor(CONNECTIONS).pool(),
    ],
  };

  test.each(Object.entries(kinds))(
    "%s, never have more sockets than maxPerProcess, those that are closing included",
    async (_, open) => {
      const pools = await open();
      const since = stage.world.bed.logs.mark();

      await busy(pools, 8, 12);

      const { opened, mostAtOnce } = stage.logins(since);
      expect(mostAtOnce).toBeLessThanOrEqual(GATE);
      expect(mostAtOnce).toBeGreaterThan(1);
      expect(pools.map(({ counters }) => counters.timedOut)).toEqual(pools.map(() => 0));
      // A connection is closed for another pool now and then, and not for each statement.
      expect(opened).toBeLessThan(pools.length * 8 * 12 * 0.75);
    },
  );

  test("with failed logins between, never have more sockets either", async () => {
    const { pool } = stage.actor(CONNECTIONS);
    const wrong = new URL(stage.world.bed.urls.pooled);
    wrong.pathname = "/nowhere";
    const [good, bad] = [pool(), pool({ connectionString: wrong.href })];
    const since = stage.world.bed.logs.mark();

    const asked = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? good : bad).query("select 1")),
    );

    expect(stage.logins(since).mostAtOnce).toBeLessThanOrEqual(GATE);
    expect(asked.map(({ status }) => status === "fulfilled")).toEqual(
      asked.map((_, index) => index % 2 === 0),
    );
    expect(bad.counters).toMatchObject({ opened: 0, failed: 20 });
  });

  test("serve the caller who has waited longest, of whichever pool", async () => {
    const { pool } = stage.actor({ ...CONNECTIONS, maxPerProcess: 1 });
    const pools = [pool(), pool(), pool()];
    const holder = await pools[0]?.connect();
    const order: number[] = [];

    const asked: Promise<unknown>[] = [];
    for (const [index, each] of pools.toReversed().entries()) {
      asked.push(each.query("select 1").then(() => order.push(index)));
      // Each has waited longer than the patience of the next.
      await pause(40);
    }
    holder?.release();
    await Promise.all(asked);

    expect(order).toEqual([0, 1, 2]);
  });

  test("give way: one that nobody uses is closed for a caller of another pool", async () => {
    const { pool } = stage.actor({ reuse: "pool", maxPerProcess: 1 });
    const [first, second] = [pool(), pool()];
    await first.query("select 1");
    expect(first.counters.idle).toBe(1);

    const started = performance.now();
    await second.query("select 1");

    expect(performance.now() - started).toBeLessThan(1_000);
    expect(first.counters).toMatchObject({ open: 0, closed: 1 });
    expect(second.counters).toMatchObject({ idle: 1 });
  });

  test("give way also where the connection was in use when the other pool asked, a moment before", async () => {
    const { pool } = stage.actor({ reuse: "pool", maxPerProcess: 1 });
    const [first, second] = [pool(), pool()];
    const holder = await first.connect();
    const asked = second.query("select 1");

    const started = performance.now();
    holder.release();
    await asked;

    expect(performance.now() - started).toBeLessThan(1_000);
    expect(first.counters.open).toBe(0);
  });

  test("do not give way to a pool that is at a limit of its own", async () => {
    const { pool } = stage.actor({ reuse: "pool", maxPerProcess: 2 });
    const [first, second] = [pool(), pool({ max: 1 })];
    const holder = await second.connect();
    const asked = second.query("select 1");

    for (let round = 0; round < 20; round++) await first.query("select 1");

    expect(first.counters).toMatchObject({ opened: 1, closed: 0 });
    expect(second.counters).toMatchObject({ open: 1, waiting: 1 });
    holder.release();
    await asked;
  });

  test("of which one is busy without end, do not starve another", async () => {
    const { pool } = stage.actor({ ...CONNECTIONS, maxPerProcess: 1 });
    const [hog, guest] = [pool(), pool()];
    const over = new AbortController();
    const caller = async (): Promise<void> => {
      while (!over.signal.aborted) await hog.query("select pg_sleep(0.002)");
    };
    const busyCallers = [caller(), caller(), caller()];
    await eventually(() => expect(hog.counters.handedOver).toBeGreaterThan(5));

    const waits: number[] = [];
    for (let round = 0; round < 3; round++) {
      const started = performance.now();
      await guest.query("select 1");
      waits.push(performance.now() - started);
    }
    over.abort();
    await Promise.all(busyCallers);

    expect(Math.max(...waits)).toBeLessThan(1_000);
  });

  test("of one caller each, do not reconnect for each statement", async () => {
    const { pool } = stage.actor({ reuse: "pool", maxPerProcess: 1 });
    const pools = [pool(), pool()];
    const since = stage.world.bed.logs.mark();
    const started = performance.now();

    await busy(pools, 1, 100);

    // One side has to wait for 25 ms before it gets the other's place.
    const changes = (performance.now() - started) / 25;
    expect(stage.logins(since).opened).toBeLessThanOrEqual(2 + changes);
  });

  test("are forgotten by it when they have no connection and nobody waits", async () => {
    const { pool } = stage.actor({ ...CONNECTIONS, maxPerProcess: 1 });
    const holder = await pool().connect();
    const ended = pool();
    const abandoned = ended.query("select 1").catch(() => undefined);
    await ended.end();
    await abandoned;
    const weak = new WeakRef(await unused(pool));

    await collect(weak);

    expect(weak.deref()).toBeUndefined();
    holder.release();
  });
});

describe("lanes", () => {
  test("have gates of their own: direct connections take no place of pooled ones", async () => {
    const pooled = stage.actor({ ...CONNECTIONS, maxPerProcess: 1 }).pool();
    const direct = stage
      .actor({ ...CONNECTIONS, maxPerProcess: 1 }, { choice: { lane: "direct" } })
      .pool();
    const holder = await pooled.connect();

    const { rows } = await direct.query("select 1 as n");

    expect(rows).toEqual([{ n: 1 }]);
    expect([gateOf("main", "pooled").open, gateOf("main", "direct").open]).toEqual([1, 1]);
    holder.release();
  });

  test("of replicas do as well", async () => {
    const policy = { connections: { ...CONNECTIONS, maxPerProcess: 1 } };
    const { pooled } = stage.world.bed.urls;
    const guarded = one.guardPg(
      requirePg("pg"),
      definePolicy({ mode: "enforce", ...policy }),
      {},
      { isReplica: (options) => options["isReplica"] === true },
    );
    const primary = stage.owned(counted(new guarded.Pool({ connectionString: pooled })));
    const config = { connectionString: pooled, isReplica: true };
    const replica = stage.owned(counted(new guarded.Pool(config)));
    const holder = await primary.connect();

    const { rows } = await replica.query("select 1 as n");

    expect(rows).toEqual([{ n: 1 }]);
    expect(gateOf("main", "replica").open).toBe(1);
    holder.release();
  });
});

/** A pool that was asked in vain, ended and let go of. */
async function unused(pool: () => CountedPool): Promise<CountedPool> {
  const made = pool();
  const refused = made.query("select 1").catch(() => undefined);
  await made.end();
  await refused;
  stage.forget(made);
  return made;
}

async function collect(weak: WeakRef<object>): Promise<void> {
  const { setFlagsFromString } = createRequire(import.meta.url)("node:v8");
  setFlagsFromString("--expose-gc");
  const gc: () => void = createRequire(import.meta.url)("node:vm").runInNewContext("gc");
  for (let round = 0; round < 50 && weak.deref() !== undefined; round++) {
    await pause(10);
    gc();
  }
}

import type { Policy } from "@doorpolicy/core";
import type { QueryResult } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, rejection } from "../world.ts";
import { counted, type CountedPool, type PoolStage, startPoolStage } from "./pool-stage.ts";
import { catchUncaught, type Uncaught } from "./uncaught.ts";

let stage: PoolStage;
let uncaught: Uncaught;

beforeAll(async () => {
  stage = await startPoolStage();
});
beforeEach(() => {
  uncaught = catchUncaught();
});
afterEach(async () => {
  uncaught[Symbol.dispose]();
  await stage.clear();
});
afterAll(() => stage[Symbol.asyncDispose]());

const CANCELLABLE: Policy = {
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.24", mode: "transaction" } } },
};

/** The natural mistake: it takes the result for granted. */
function careless(heard: unknown[]): (error: unknown, result: QueryResult) => void {
  return (error, result) => {
    heard.push(error);
    // oxlint-disable-next-line typescript/no-unused-expressions -- what throws where there is none.
    result.rows.length;
  };
}

function codesOf(heard: readonly unknown[]): unknown[] {
  return heard.map((error) => Reflect.get(Object(error), "code"));
}

/** Whoever comes next is served, and nothing of before is left. */
async function expectWhole(pool: CountedPool): Promise<void> {
  expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  await eventually(() => expect(pool.counters).toMatchObject({ open: 0, waiting: 0 }));
}

describe("a callback of pool.query() that throws", () => {
  test("at failed connects, costs no place at the gate", async () => {
    const { pool: open } = stage.actor({ maxPerProcess: 2, connectRetry: false });
    const pool = open({ connectionString: "postgres://app@127.0.0.1:1/app" });
    const heard: unknown[] = [];

    for (let round = 1; round <= 3; round++) {
      pool.query("select 1", careless(heard));
      await eventually(() => expect(heard).toHaveLength(round));
    }
    await eventually(() => expect(pool.counters).toMatchObject({ open: 0, failed: 3 }));

    expect(codesOf(heard)).toEqual(["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"]);
    await eventually(() => expect(uncaught.errors).toHaveLength(3));
    expect(uncaught.errors[0]).toBeInstanceOf(TypeError);
  });

  test("at the acquire limit, takes nobody else's", async () => {
    const pool = stage.actor({ maxPerProcess: 1, acquireTimeoutMs: 150 }).pool();
    const holder = await pool.connect();
    const heard: unknown[] = [];

    pool.query("select 1", careless(heard));
    const other = await rejection(pool.query("select 2"));
    holder.release();

    expect(codesOf([...heard, other])).toEqual([
      "connection/acquire-timeout",
      "connection/acquire-timeout",
    ]);
    expect(uncaught.errors).toHaveLength(1);
    await expectWhole(pool);
  });

  test("at the end of the pool, leaves the end and the others alone", async () => {
    const pool = stage.actor({ maxPerProcess: 1 }).pool();
    const holder = await pool.connect();
    const heard: unknown[] = [];
    pool.query("select 1", careless(heard));
    const other = rejection(pool.query("select 2"));

    const ended = pool.end();
    const answered = await other;
    holder.release();
    await ended;

    expect(codesOf([...heard, answered])).toEqual(Array(2).fill("connection/pool-ended"));
    expect(uncaught.errors).toHaveLength(1);
    expect(pool.counters).toMatchObject({ open: 0, waiting: 0 });
  });

  test("when its turn comes, is not thrown into whoever gives the connection back", async () => {
    const pool = stage.actor({ maxPerProcess: 1 }).pool();
    const heard: unknown[] = [];

    const asked = pool.query("select 1 as n");
    // A statement that is none: pg-pool tells it in the middle of the other's release.
    Reflect.apply(Reflect.get(pool, "query"), pool, [null, careless(heard)]);

    expect((await asked).rows).toEqual([{ n: 1 }]);
    await eventually(() => expect(uncaught.errors).toHaveLength(1));
    expect(heard[0]).toBeInstanceOf(TypeError);
    await expectWhole(pool);
  });
});

describe("a statement that was never sent, and whose callback throws", () => {
  test("does not keep a block that is over its limit open", async () => {
    const { pool: open } = stage.actor(
      { maxPerProcess: 1, acquireTimeoutMs: 150 },
      { policy: { ...CANCELLABLE, transaction: { idleTimeoutMs: 400, timeoutMs: 1_200 } } },
    );
    const pool = open();
    const client = await pool.connect();
    await client.query("begin");
    const heard: unknown[] = [];

    const slow = rejection(client.query("select pg_sleep(20)"));
    client.query("select 1", careless(heard));
    const next = rejection(client.query("select 2"));
    const errors = [await slow, ...heard, await next];
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    client.release();
    await eventually(() => expect(pool.counters.open).toBe(0));

    expect(codesOf(errors)).toEqual(Array(3).fill("transaction/ended-by-policy"));
    expect(uncaught.errors).toHaveLength(1);
    await expectWhole(pool);
  });

  test("does not keep a connection that came back busy", async () => {
    const pool = stage.actor({ maxPerProcess: 1 }, { policy: CANCELLABLE }).pool();
    const client = await pool.connect();
    const heard: unknown[] = [];
    const slow = rejection(client.query("select pg_sleep(20)"));
    client.query("select 1", careless(heard));
    const next = rejection(client.query("select 2"));

    client.release();

    await expectWhole(pool);
    expect(codesOf([await slow, ...heard, await next])).toEqual([
      "57014",
      "connection/released",
      "connection/released",
    ]);
    expect(uncaught.errors).toHaveLength(1);
  });

  test("does not keep a COMMIT that stored nothing from being followed by others", async () => {
    const pool = stage.actor({ maxPerProcess: 1 }).pool();
    const client = await pool.connect();
    const heard: unknown[] = [];
    await client.query("begin");
    await rejection(client.query("select 1/0"));

    client.query("commit", careless(heard));
    const next = await client.query("select 3 as n");
    client.release();

    expect(next.rows).toEqual([{ n: 3 }]);
    expect(codesOf(heard)).toEqual(["transaction/rolled-back-at-commit"]);
    expect(uncaught.errors).toHaveLength(1);
    await expectWhole(pool);
  });
});

describe("a connect that throws before there is a socket", () => {
  test("costs no place at the gate", async () => {
    const { pg } = stage.actor({ maxPerProcess: 1, acquireTimeoutMs: 1_000 });
    const options = { host: "127.0.0.1", port: 70_000, user: "app", database: "app" };
    const pool = counted(new pg.Pool(options));

    const errors = [];
    for (let round = 0; round < 3; round++) errors.push(await rejection(pool.query("select 1")));
    await pool.end();

    expect(codesOf(errors)).toEqual(Array(3).fill("ERR_SOCKET_BAD_PORT"));
    expect(pool.counters).toMatchObject({ open: 0, failed: 3 });
  });
});

describe("end()", () => {
  test("is refused a second time, and whoever ends it at once waits for the first", async () => {
    const pool = stage.actor({ maxPerProcess: 1 }).pool();
    const client = await pool.connect();
    const first = pool.end();

    const again = await rejection(pool.end());
    const now: unknown = Reflect.apply(Reflect.get(pool, "endNow"), pool, []);
    await now;
    await first;

    expect(again).toMatchObject({ message: "Called end on pool more than once" });
    expect(await rejection(client.query("select 1"))).toBeInstanceOf(Error);
    expect(pool.counters.open).toBe(0);
  });
});

describe("a handle that was given back", () => {
  test("adds no listener to the connection of the next holder, and takes none away", async () => {
    const pool = stage.actor({ maxPerProcess: 1, lingerMs: 300 }).pool();
    const heard: unknown[] = [];
    const hear = (notice: unknown): void => void heard.push(notice);
    const old = await pool.connect();
    old.release();
    const next = await pool.connect();
    next.on("notice", hear);

    expect(old.on("notice", hear)).toBe(old);
    expect(old.removeListener("notice", hear)).toBe(old);
    await next.query("do $$ begin raise notice 'x'; end $$");
    next.release();

    expect(pool.counters).toMatchObject({ opened: 1, handedOver: 1 });
    expect(heard).toHaveLength(1);
  });

  test("keeps none of the listeners of lazyBegin's handles either", async () => {
    const { pool: open } = stage.actor(
      { maxPerProcess: 1, lingerMs: 300 },
      { policy: { transaction: { lazyBegin: true } } },
    );
    const pool = open();
    const heard: unknown[] = [];
    const old = await pool.connect();
    old.on("notice", (notice) => heard.push(notice));
    old.release();

    await pool.query("do $$ begin raise notice 'x'; end $$");

    expect(pool.counters.handedOver).toBe(1);
    expect(heard).toEqual([]);
  });
});

import { type GuardedPg, transaction, unitOfWork } from "@doorpolicy/pg";
import { type FaultProxy, startFaultProxy, type Testbed } from "@doorpolicy/testbed";
import type { Pool, PoolConfig } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { guarded, plainUrl, startLoginBed, VERSIONS } from "../login/login-world.ts";
import { passed, PIPELINED } from "../login/pipelining-stage.ts";
import { eventually, type Pg, rejection, requirePg } from "../world.ts";
import { counted, type CountedPool, requireFreeGates } from "./pool-stage.ts";

let bed: Testbed;
let proxy: FaultProxy;
const pools: Pool[] = [];

beforeAll(async () => {
  bed = await startLoginBed();
  proxy = await startFaultProxy({ target: plainUrl(bed.urls.pooled) });
  await bed.sql("create table notes (text text)");
  await bed.sql("grant all on notes to app");
});
beforeEach(() => proxy.clear());
afterEach(async () => {
  const left = pools.splice(0).filter(({ ending }) => !ending);
  await Promise.all(left.map((pool) => pool.end()));
  requireFreeGates();
  await bed.sql("truncate notes");
});
afterAll(async () => {
  await proxy.stop();
  await bed.stop();
});

interface Options {
  readonly name?: string;
  readonly maxPerProcess?: number;
  readonly acquireTimeoutMs?: number;
  readonly lingerMs?: number;
  readonly connectRetry?: boolean;
  readonly config?: PoolConfig;
}

/** A pool whose statements travel with the login: one has logged in before, so that the way is known. */
async function open(options: Options = {}): Promise<CountedPool> {
  const { pool } = await warm(options);
  return pool;
}

async function warm(options: Options = {}): Promise<{ pool: CountedPool; pg: GuardedPg<Pg> }> {
  const { name = "pg", maxPerProcess = 4, acquireTimeoutMs = 3_000, config = {} } = options;
  const { lingerMs = 0, connectRetry = true } = options;
  const { pg } = guarded(requirePg(name), {
    ...PIPELINED,
    connections: {
      pipelineHandshake: true,
      lingerMs,
      maxPerProcess,
      acquireTimeoutMs,
      connectRetry,
    },
  });
  const connectionString = proxy.url(plainUrl(bed.urls.pooled));
  const pool = counted(new pg.Pool({ connectionString, ...config }));
  pools.push(pool);
  await pool.query("select 1");
  await eventually(() => expect(pool.counters.open).toBe(0));
  proxy.clear();
  return { pool, pg };
}

/** True when the statement went out with the last message of the login, before the server let it in. */
function isWithLogin(): boolean {
  const names = passed(proxy);
  return names.indexOf("→ Query") < names.indexOf("← AuthenticationOk");
}

async function stored(): Promise<number> {
  const [row] = await bed.sql("select count(*) as n from notes");
  return Number(row?.["n"]);
}

describe("a statement that travels with its login", () => {
  test.each(VERSIONS)(
    "is answered, and its connection is counted as any other (%s)",
    async (name) => {
      const pool = await open({ name });

      const { rows } = await pool.query("select 7 as n");
      await eventually(() => expect(pool.counters.open).toBe(0));

      expect(rows).toEqual([{ n: 7 }]);
      expect(isWithLogin()).toBe(true);
      expect(pool.counters).toMatchObject({ opened: 2, closed: 2, inUse: 0, failed: 0 });
    },
  );

  test("fails alone, and the connection is handed on", async () => {
    const pool = await open({ maxPerProcess: 1 });

    const failing = rejection(pool.query("select 1/0"));
    const next = pool.query("select 8 as n");

    expect(await failing).toMatchObject({ code: "22012" });
    expect((await next).rows).toEqual([{ n: 8 }]);
    expect(pool.counters).toMatchObject({ opened: 2, handedOver: 1, inUse: 0 });
  });

  test("comes in the order of the callers where there is room for one", async () => {
    const pool = await open({ maxPerProcess: 1 });
    const order: number[] = [];

    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        pool.query("select 1").then(() => order.push(index)),
      ),
    );

    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(pool.counters).toMatchObject({ opened: 2, handedOver: 19 });
  });

  test("never makes more sockets than the gate has places", async () => {
    const pool = await open({ maxPerProcess: 3 });
    const other = await open({ maxPerProcess: 3 });
    const since = bed.logs.mark();

    await Promise.all(
      Array.from({ length: 60 }, (_, index) => (index % 2 ? pool : other).query("select 1")),
    );
    await Promise.all([pool.end(), other.end()]);

    let now = 0;
    let most = 0;
    for (const [, what] of bed.logs
      .since(since, "pooler")
      .matchAll(/ C-\w+: app\/\S+ (login attempt|closing because)/g)) {
      now += what === "login attempt" ? 1 : -1;
      most = Math.max(most, now);
    }
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
    expect(now).toBe(0);
  });

  test("is none where a connection lies idle", async () => {
    const pool = await open({ lingerMs: 500 });

    await pool.query("select 1");
    await pool.query("select 2");

    expect(pool.counters).toMatchObject({ opened: 2, handedOver: 1 });
  });

  test("tells its events in pg-pool's order", async () => {
    const pool = await open();
    const heard: string[] = [];
    for (const event of ["acquire", "release", "remove"] as const) {
      pool.on(event, () => heard.push(event));
    }

    await pool.query("select 1");
    await eventually(() => expect(heard).toContain("remove"));

    expect(isWithLogin()).toBe(true);
    expect(heard).toEqual(["acquire", "release", "remove"]);
  });

  test("waits for its login where somebody wants to see the connection first", async () => {
    const seen = await open({ config: Object({ onConnect: async () => undefined }) });

    await seen.query("select 1");
    const withHook = isWithLogin();
    proxy.clear();
    const heard = await open();
    heard.on("connect", () => undefined);
    await heard.query("select 1");

    expect([withHook, isWithLogin()]).toEqual([false, false]);
  });

  test("is none in a unit, whose connection serves what follows", async () => {
    const pool = await open();

    await unitOfWork(() => pool.query("insert into notes values ('a')"));
    await transaction(() => pool.query("insert into notes values ('b')"));

    expect(await stored()).toBe(2);
  });

  test("is refused before anything is opened where it would begin a transaction that nobody ends", async () => {
    const pool = await open();

    const error = await rejection(pool.query("BEGIN"));

    expect(error).toMatchObject({ code: expect.stringMatching(/^transaction\//) });
    expect(passed(proxy).filter((name) => name === "→ Query")).toEqual([]);
  });
});

describe("beside a statement that opens its own connection", () => {
  test("another caller gets one as well, where there is room", async () => {
    const pool = await open({ maxPerProcess: 3 });
    const slow = pool.query("select pg_sleep(0.5)");
    let isOver = false;
    void slow.then(() => (isOver = true));

    const client = await pool.connect();
    const wasOver = isOver;
    client.release();
    await slow;

    expect(wasOver).toBe(false);
    expect(pool.counters).toMatchObject({ opened: 3 });
  });
});

describe("a login that fails before its statement was sent", () => {
  test("is tried again, and the statement is answered", async () => {
    const pool = await open();
    const rule = proxy.when(
      { direction: "server", message: "AuthenticationSASL" },
      { kind: "cut", with: "rst" },
    );

    const asked = pool.query("insert into notes values ('a') returning text");
    await eventually(() => expect(pool.counters.retried).toBeGreaterThan(0));
    rule.remove();

    expect((await asked).rows).toEqual([{ text: "a" }]);
    expect(await stored()).toBe(1);
    await eventually(() => expect(pool.counters).toMatchObject({ open: 0, waiting: 0 }));
  });

  test("is not where the policy says so", async () => {
    const pool = await open({ connectRetry: false });
    using rule = proxy.when(
      { direction: "server", message: "AuthenticationSASL" },
      { kind: "cut", with: "rst" },
    );

    const error = await rejection(pool.query("select 1"));
    rule.remove();

    expect(error).toBeInstanceOf(Error);
    expect(pool.counters.retried).toBe(0);
  });

  test("keeps its place before those who came later, and its time", async () => {
    const pool = await open({ maxPerProcess: 1 });
    const order: number[] = [];
    const rule = proxy.when(
      { direction: "server", message: "AuthenticationSASL" },
      { kind: "cut", with: "rst" },
    );

    const asked = [1, 2, 3].map((one) => pool.query("select 1").then(() => order.push(one)));
    await eventually(() => expect(pool.counters.retried).toBeGreaterThan(0));
    rule.remove();
    await Promise.all(asked);

    expect(order).toEqual([1, 2, 3]);
  });

  test("is answered where connecting throws instead", async () => {
    const { pg } = await warm();
    class Broken extends pg.Client {
      override connect(): never {
        throw new Error("no way");
      }
    }
    const connectionString = proxy.url(plainUrl(bed.urls.pooled));
    const pool = counted(new pg.Pool({ connectionString, Client: Broken }));
    pools.push(pool);

    expect(await rejection(pool.query("select 1"))).toMatchObject({ message: "no way" });
    await eventually(() => expect(pool.counters).toMatchObject({ open: 0, failed: 1 }));
  });
});

describe("cut off", () => {
  /** Until the server lets it in nothing of the statement has run; behind that nobody knows. */
  const cuts = [
    ["server", "AuthenticationSASL", "not sent"],
    ["server", "AuthenticationSASLContinue", "not sent"],
    ["server", "AuthenticationSASLFinal", "unknown"],
    ["server", "AuthenticationOk", "unknown"],
    ["server", "CommandComplete", "unknown"],
  ] as const;

  test.each(cuts)("at the %s's %s, the statement is %s", async (direction, message, outcome) => {
    const pool = await open();
    using rule = proxy.when({ direction, message }, { kind: "cut", with: "rst" });

    const error = await rejection(pool.query("insert into notes values ('a')"));
    await eventually(() => expect(pool.counters).toMatchObject({ open: 0, inUse: 0, waiting: 0 }));
    rule.remove();
    const rows = await stored();

    const isUnknown = String(Reflect.get(Object(error), "code")).endsWith("/outcome-unknown");
    expect(isUnknown).toBe(outcome === "unknown");
    expect((await pool.query("select 9 as n")).rows).toEqual([{ n: 9 }]);
    // Never asked a second time by itself.
    expect(rows).toBeLessThanOrEqual(outcome === "unknown" ? 1 : 0);
  });

  test("by the acquire limit, it says what the pool does, and its place is free again", async () => {
    const pool = await open({ maxPerProcess: 1, acquireTimeoutMs: 200 });
    const rule = proxy.when({ direction: "server", message: "AuthenticationSASL" }, "hold");

    const error = await rejection(pool.query("insert into notes values ('a')"));
    rule.remove();

    expect(error).toMatchObject({
      code: "connection/acquire-timeout",
      message: expect.stringMatching(/^No connection within 200 ms: 0 of 1 are in use/),
    });
    await eventually(() => expect(pool.counters.open).toBe(0));
    expect((await pool.query("select 9 as n")).rows).toEqual([{ n: 9 }]);
    expect(await stored()).toBe(0);
  });

  test("by the end of the pool, which waits for it", async () => {
    const pool = await open();
    const rule = proxy.when({ direction: "server", message: "AuthenticationSASLFinal" }, "hold");
    const asked = pool.query("select 5 as n");
    await rule.hit;

    const ended = pool.end();
    rule.remove();
    const { rows } = await asked;
    await ended;

    expect(rows).toEqual([{ n: 5 }]);
    expect(pool.counters).toMatchObject({ open: 0, opened: 2, closed: 2 });
  });

  test("by a refused login, it hears that as pg says it, and nothing of it has run", async () => {
    const { pg } = await warm();
    const url = plainUrl(bed.urls.pooled, { password: "wrong" });
    const pool = counted(new pg.Pool({ connectionString: proxy.url(url) }));
    pools.push(pool);

    const error = await rejection(pool.query("insert into notes values ('a')"));

    expect(error).toMatchObject({ message: expect.stringMatching(/password|SASL/i) });
    await eventually(() => expect(pool.counters).toMatchObject({ failed: 1, open: 0, opened: 0 }));
    expect(await stored()).toBe(0);
  });
});

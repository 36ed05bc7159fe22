import { Socket } from "node:net";

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { eventually, pause } from "../world.ts";
import { type CountedPool, type PoolStage, startPoolStage } from "./pool-stage.ts";
import { startWire } from "./wire.ts";

let stage: PoolStage;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

async function ask(pool: CountedPool, times: number): Promise<void> {
  for (let round = 0; round < times; round++) await pool.query("select 1");
}

/** Backends of the direct lane's test, as Postgres itself says: the pooler's own bear the names of its clients. */
async function backends(): Promise<number> {
  const rows = await stage.world.bed.sql(
    "select pid from pg_stat_activity where application_name like 'direct:%'",
  );
  return rows.length;
}

describe("lingerMs", () => {
  test("of 0 closes a connection at once", async () => {
    const pool = stage.actor({ lingerMs: 0 }).pool();
    const since = stage.world.bed.logs.mark();

    await pool.query("select 1");
    const { idle } = pool.counters;
    await ask(pool, 4);

    expect(idle).toBe(0);
    await stage.untilClients(0);
    expect(stage.logins(since)).toMatchObject({ opened: 5, closed: 5 });
  });

  test("of 0 lets whoever was answered go on before the goodbye is sent", async () => {
    const seen: string[] = [];
    const stream = (): Socket => {
      seen.push("made");
      return new Socket();
    };
    const pool = stage.actor({ lingerMs: 0 }).pool({ stream });
    pool.on("connect", (client) => {
      const connection: { end: () => unknown } = Reflect.get(client, "connection");
      const end = connection.end.bind(connection);
      connection.end = () => {
        seen.push("goodbye");
        return end();
      };
    });

    await ask(pool, 2);
    await pool.end();

    expect(seen).toEqual(["made", "made", "goodbye", "goodbye"]);
  });

  test("of 5 gives it to whoever comes next, and the pooler has no client 50 ms after the last", async () => {
    const pool = stage.actor({ lingerMs: 5 }).pool();
    const since = stage.world.bed.logs.mark();
    await ask(pool, 20);

    await pause(50);
    const left = await stage.clients();

    expect(left).toBe(0);
    expect(stage.logins(since)).toMatchObject({ opened: 1, closed: 1 });
    expect(pool.counters).toMatchObject({ handedOver: 19, open: 0 });
  });

  test("closes all of a burst", async () => {
    const pool = stage.actor({ lingerMs: 5, maxPerProcess: 8 }).pool();
    await Promise.all(Array.from({ length: 40 }, () => pool.query("select 1")));

    await pause(50);

    expect(await stage.clients()).toBe(0);
  });

  test("counts from the last use, not from the first", async () => {
    const pool = stage.actor({ lingerMs: 150 }).pool();
    const since = stage.world.bed.logs.mark();

    for (let round = 0; round < 4; round++) {
      await pool.query("select 1");
      await pause(60);
    }

    expect(stage.logins(since).opened).toBe(1);
  });
});

describe("maxLifetimeMs", () => {
  test.each(["none", "pool"] as const)(
    "moves a pool under permanent load to new connections (%s)",
    async (reuse) => {
      const maxLifetimeMs = 250;
      const keeping = { reuse, maxLifetimeMs, idleTimeoutMs: 100, maxPerProcess: 2 };
      const pool = stage.actor(keeping).pool();
      const over = new AbortController();
      const callers = Array.from({ length: 4 }, async () => {
        while (!over.signal.aborted) await pool.query("select 1");
      });
      await stage.untilClients(2);
      const old = await ports();

      await pause(maxLifetimeMs);
      await eventually(async () => {
        const now = await ports();
        expect(now.filter((port) => old.includes(port))).toEqual([]);
        expect(now.length).toBeGreaterThan(0);
      }, 1_000);
      over.abort();
      await Promise.all(callers);

      expect(old).toHaveLength(2);
      expect(pool.counters.timedOut).toBe(0);
    },
  );

  test("of 0 is no limit", async () => {
    const pool = stage.actor({ reuse: "pool", maxLifetimeMs: 0 }).pool();

    for (let round = 0; round < 5; round++) {
      await pool.query("select 1");
      await pause(10);
    }

    expect(pool.counters).toMatchObject({ opened: 1, idle: 1 });
  });
});

describe("a pool that keeps its connections", () => {
  test("closes those that nobody has used for idleTimeoutMs", async () => {
    const pool = stage.actor({ reuse: "pool", idleTimeoutMs: 1_000 }).pool();
    await Promise.all([1, 2, 3].map(() => pool.query("select pg_sleep(0.02)")));
    const early = await stage.clients();

    await stage.untilClients(0);

    expect(early).toBe(3);
    expect(pool.counters).toMatchObject({ opened: 3, closed: 3 });
  });

  test("closes those that it does not need, though others are in use all the time", async () => {
    const pool = stage.actor({ reuse: "pool", idleTimeoutMs: 60 }).pool();
    await Promise.all([1, 2, 3].map(() => pool.query("select pg_sleep(0.02)")));
    const over = new AbortController();
    const caller = (async () => {
      while (!over.signal.aborted) await pool.query("select 1");
    })();

    await stage.untilClients(1);
    over.abort();
    await caller;

    expect(pool.counters).toMatchObject({ opened: 3, closed: 2 });
  });

  test("leaves minPerProcess of them open", async () => {
    const pool = stage.actor({ reuse: "pool", idleTimeoutMs: 50, minPerProcess: 2 }).pool();
    await Promise.all([1, 2, 3, 4].map(() => pool.query("select pg_sleep(0.02)")));
    expect(await stage.clients()).toBe(4);

    await stage.untilClients(2);
    await pause(120);

    expect(await stage.clients()).toBe(2);
    expect(pool.counters).toMatchObject({ idle: 2, closed: 2 });
  });

  test("closes a connection after as many uses as the service allows", async () => {
    const pool = stage.actor({ reuse: "pool" }).pool({ maxUses: 3 });
    const since = stage.world.bed.logs.mark();

    await ask(pool, 7);

    expect(stage.logins(since)).toMatchObject({ opened: 3 });
    expect(pool.counters).toMatchObject({ opened: 3, handedOver: 4, idle: 1 });
  });

  test("on the direct lane does so whatever the policy says of reuse", async () => {
    const policy = { naming: { app: "direct", user: "deploy", host: "web-1" } };
    const choice = { lane: "direct" } as const;
    const pool = stage.actor({ reuse: "none", idleTimeoutMs: 100 }, { policy, choice }).pool();

    await ask(pool, 5);
    const early = await backends();

    expect(early).toBe(1);
    expect(pool.counters).toMatchObject({ opened: 1, handedOver: 4 });
    await eventually(async () => expect(await backends()).toBe(0));
  });

  test("hears why the pooler ended an idle one, and goes on with another", async () => {
    const pool = stage.actor({ reuse: "pool" }).pool();
    await pool.query("select 1");
    const told = new Promise((resolve) => {
      pool.once("error", (error) => resolve(error));
    });
    const [client] = await appClients();

    await stage.world.bed.admin(`KILL_CLIENT ${client?.["id"]}`);

    expect(await told).toMatchObject({ message: expect.stringMatching(/admin/) });
    expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    expect(pool.counters).toMatchObject({ opened: 2, closed: 1, idle: 1 });
  });
});

describe("an idle connection whose server has said its last word", () => {
  test("is given to nobody, though its socket is open still", async () => {
    const url = stage.world.bed.urls.direct;
    await using wire = await startWire(url);
    const { pool: open } = stage.actor({ maxPerProcess: 2 }, { choice: { lane: "direct" } });
    const pool = open({ connectionString: wire.url(url) });
    const told: unknown[] = [];
    pool.on("error", (error) => told.push(error));
    const word = new Promise((resolve) => {
      pool.once("connect", (client) => client.once("error", resolve));
    });
    const { rows } = await pool.query("select pg_backend_pid() as pid");
    wire.holdEnds();

    await stage.world.bed.sql(`select pg_terminate_backend(${Number(rows[0]?.["pid"])})`);
    await word;
    const next = await pool.query("select 2 as n");
    wire.letGo();

    expect(next.rows).toEqual([{ n: 2 }]);
    expect(told).toMatchObject([{ code: "57P01" }]);
    await eventually(() => expect(pool.counters).toMatchObject({ opened: 2, closed: 1 }));
  });
});

describe("a preset", () => {
  test.each([
    ["recommended", 1],
    ["pgbouncer", 1],
    ["serverless", 0],
    ["strict", 0],
    ["supabase", 1],
    ["neon", 1],
    ["rds-proxy", 1],
  ] as const)("%s leaves %i open right after a statement", async (base, idle) => {
    const pool = stage.actor({}, { policy: { extends: base } }).pool();

    await pool.query("select 1");

    expect(pool.counters.idle).toBe(idle);
  });

  test.each(["recommended", "pgbouncer", "serverless", "strict"] as const)(
    "%s leaves the pooler without a client 50 ms later",
    async (base) => {
      const pool = stage.actor({}, { policy: { extends: base } }).pool();
      await pool.query("select 1");

      await pause(50);

      expect(await stage.clients()).toBe(0);
    },
  );

  test.each(["supabase", "neon", "rds-proxy"] as const)("%s keeps it", async (base) => {
    const pool = stage.actor({}, { policy: { extends: base } }).pool();
    await pool.query("select 1");

    await pause(50);

    expect(await stage.clients()).toBe(1);
  });
});

async function appClients(): Promise<Record<string, string | null>[]> {
  const rows = await stage.world.bed.admin("SHOW CLIENTS");
  return rows.filter((row) => row["database"] !== "pgbouncer");
}

/** From which ports the pooler's clients come: a connection's own name. */
async function ports(): Promise<(string | null | undefined)[]> {
  return (await appClients()).map((row) => row["port"]);
}

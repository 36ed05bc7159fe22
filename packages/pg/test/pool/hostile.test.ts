import { AsyncLocalStorage } from "node:async_hooks";

import { transaction } from "@doorpolicy/pg";
import { startFaultProxy } from "@doorpolicy/testbed";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import { mayTravelWithLogin } from "../../src/pool/query-with-login.ts";
import { sharedState } from "../../src/registry.ts";
import { guarded, plainUrl, startLoginBed } from "../login/login-world.ts";
import { PIPELINED } from "../login/pipelining-stage.ts";
import { eventually, pause, rejection, requirePg } from "../world.ts";
import { type CountedPool, type PoolStage, startPoolStage } from "./pool-stage.ts";

let stage: PoolStage;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(() => stage[Symbol.asyncDispose]());

describe("connections that lie idle beyond the least number", () => {
  test("are closed in their time, however long the others have lain there", async () => {
    const { pool: open } = stage.actor(
      { maxPerProcess: 6, minPerProcess: 1, idleTimeoutMs: 100 },
      {
        policy: { extends: ["recommended", "supabase"] },
      },
    );
    const pool = open();
    await pool.query("select 1");
    await pause(200);

    await Promise.all(Array.from({ length: 6 }, () => pool.query("select pg_sleep(0.02)")));

    await eventually(() => expect(pool.counters).toMatchObject({ open: 1, idle: 1 }), 1_500);
  });
});

describe("a hook for new connections that never answers", () => {
  test("costs its connection and not its place", async () => {
    const { pool: open } = stage.actor({ maxPerProcess: 1, acquireTimeoutMs: 200 });
    let calls = 0;
    const pool = open({
      onConnect: () => (calls++ === 0 ? new Promise<void>(() => undefined) : Promise.resolve()),
    });

    const first = await rejection(pool.query("select 1"));

    expect(first).toBeInstanceOf(Error);
    await eventually(async () => {
      expect((await pool.query("select 2 as n")).rows).toEqual([{ n: 2 }]);
    });
  });
});

describe("two policies with another number for the same target", () => {
  test("starve neither of their pools", async () => {
    const small = stage.actor({ maxPerProcess: 2, acquireTimeoutMs: 1_500 }).pool();
    const large = stage.actor({ maxPerProcess: 6, acquireTimeoutMs: 5_000 }).pool();
    const end = new AbortController();
    const busy = Array.from({ length: 12 }, async () => {
      while (!end.signal.aborted) await large.query("select pg_sleep(0.005)");
    });

    const answers = await Promise.all([1, 2, 3].map(() => small.query("select 1 as n")));
    end.abort();
    await Promise.all(busy);

    expect(answers.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 1 }], [{ n: 1 }]]);
  });
});

describe("a lifetime shorter than a login", () => {
  test("serves whoever waits all the same", async () => {
    const pool = stage.actor({ acquireTimeoutMs: 1_000 }).pool({ maxLifetimeSeconds: 0.001 });

    const answers = await Promise.all([1, 2, 3].map(() => pool.query("select 1 as n")));

    expect(answers).toHaveLength(3);
    expect(pool.counters.opened).toBeLessThanOrEqual(3);
  });
});

describe("a holder that removes all listeners", () => {
  test("takes away its own alone", async () => {
    const pool = stage.actor().pool();
    const client = await pool.connect();
    let heard = 0;
    client.on("notice", () => (heard += 1));

    client.removeAllListeners();
    await client.query("do $$ begin raise notice 'x'; end $$");
    Reflect.get(client, "connection").stream.destroy(new Error("cut"));

    expect(await rejection(client.query("select 1"))).toBeInstanceOf(Error);
    expect(heard).toBe(0);
    client.release();
  });
});

async function zone(pool: CountedPool): Promise<unknown> {
  const { rows } = await pool.query<{ TimeZone: string }>("show timezone");
  return rows[0]?.TimeZone;
}

describe("a parameter of the session", () => {
  test.each(["none", "pool"] as const)(
    "that a holder has set reaches no other (%s)",
    async (reuse) => {
      const pool = stage.actor({ reuse, maxPerProcess: 1, lingerMs: 200 }).pool();
      const before = await zone(pool);
      const client = await pool.connect();
      const waiter = zone(pool);
      await client.query("set timezone = 'Asia/Tokyo'");

      client.release();

      expect(await waiter).toBe(before);
      expect(before).not.toBe("Asia/Tokyo");
    },
  );

  test("that a transaction has set for itself costs no connection", async () => {
    const pool = stage.actor({ maxPerProcess: 1, lingerMs: 500 }).pool();
    const client = await pool.connect();
    await client.query("begin");
    await client.query("set local timezone = 'Asia/Tokyo'");
    await client.query("commit");

    client.release();
    await pool.query("select 1");

    expect(pool.counters).toMatchObject({ opened: 1, handedOver: 1 });
  });

  test("that the service sets on each new connection stays", async () => {
    const pool = stage.actor({ maxPerProcess: 1, lingerMs: 500 }).pool();
    pool.on("connect", (client) => {
      void client.query("set timezone = 'Asia/Tokyo'");
    });

    expect(await zone(pool)).toBe("Asia/Tokyo");
    expect(await zone(pool)).toBe("Asia/Tokyo");

    expect(pool.counters.opened).toBe(1);
  });
});

describe("a connection that is destroyed and given back at once", () => {
  test("is handed to nobody", async () => {
    const pool = stage.actor({ maxPerProcess: 1, lingerMs: 200 }).pool();
    const client = await pool.connect();
    const waiter = pool.query("select 1 as n");

    Reflect.get(client, "connection").stream.destroy();
    client.release();

    expect((await waiter).rows).toEqual([{ n: 1 }]);
  });
});

describe("a statement that has the only connection", () => {
  test("is named to whoever waits for it, by its text without its values", async () => {
    const pool = stage.actor({ maxPerProcess: 1, acquireTimeoutMs: 150 }).pool();
    const running = pool.query("select pg_sleep(0.4), 'a secret' as told");

    const error = await rejection(pool.query("select 1"));

    expect(error).toMatchObject({
      message: expect.stringMatching(/held for \d+ ms, for `select pg_sleep\(\?\), \? as told`/),
    });
    await running;
  });
});

describe("a query object that is given to pool.query()", () => {
  test("tells its rows in the context of whoever gave it", async () => {
    const context = new AsyncLocalStorage<string>();
    const { pg, pool: open } = stage.actor({ maxPerProcess: 1, lingerMs: 200 });
    const pool = open();
    await context.run("who opened the connection", () => pool.query("select 1"));

    const heard = await context.run(
      "who asks",
      () =>
        new Promise((resolve) => {
          const query = new pg.Query({ text: "select 1 as n" });
          query.on("row", () => resolve(context.getStore()));
          pool.query(query);
        }),
    );

    expect(heard).toBe("who asks");
  });
});

describe("a process that is drained", () => {
  test("sends no statement with a login either", () => {
    const pool = { ending: false, options: {}, listenerCount: () => 0 };

    expect(mayTravelWithLogin(pool, ["select 1"])).toBe(true);
    sharedState().isDrained = true;
    const afterwards = mayTravelWithLogin(pool, ["select 1"]);
    delete sharedState().isDrained;

    expect(afterwards).toBe(false);
  });
});

describe("a second transaction beside the first", () => {
  test("has room where another pool's connections lie idle", async () => {
    const { pool: open } = stage.actor(
      { maxPerProcess: 2, idleTimeoutMs: 30_000 },
      { policy: { extends: ["recommended", "supabase"], transaction: { lockTimeoutMs: 500 } } },
    );
    const [one, other] = [open(), open()];
    await other.query("select 1");

    const rows = await transaction(async () => {
      await one.query("select 1");
      return await transaction({ propagation: "new" }, () => one.query("select 2 as n"));
    });

    expect(rows).toMatchObject({ rows: [{ n: 2 }] });
  });
});

describe("one signal for thousands of callers", () => {
  test("ends their waiting at once, and warns of nothing", async () => {
    const warned = vi.spyOn(process, "emitWarning");
    const pool = stage.actor({ maxPerProcess: 1, acquireTimeoutMs: 10_000 }).pool();
    const holder = await pool.connect();
    const end = new AbortController();
    const callers = Array.from({ length: 2_000 }, () =>
      rejection(transaction({ signal: end.signal }, () => pool.query("select 1"))),
    );
    await eventually(() => expect(pool.counters.waiting).toBe(2_000));

    const start = performance.now();
    end.abort(new Error("shutting down"));
    const errors = await Promise.all(callers);

    expect(performance.now() - start).toBeLessThan(2_000);
    expect(new Set(errors.map(String))).toEqual(new Set(["Error: shutting down"]));
    expect(warned.mock.calls.map(String).filter((text) => text.includes("leak"))).toEqual([]);
    holder.release();
    warned.mockRestore();
  });
});

describe("a statement that travels with its login", () => {
  test.each(["pg816", "pg"])("and is given up (%s) answers nobody else", async (name) => {
    await using bed = await startLoginBed();
    const proxy = await startFaultProxy({ target: plainUrl(bed.urls.pooled) });
    const { pg } = guarded(requirePg(name), {
      ...PIPELINED,
      connections: { pipelineHandshake: true, lingerMs: 0, maxPerProcess: 1 },
    });
    const pool = new pg.Pool({ connectionString: proxy.url(plainUrl(bed.urls.pooled)) });
    await pool.query("select 1");
    const held = proxy.when({ direction: "server", message: "AuthenticationOk", nth: 1 }, "hold");
    const secret = {
      text: "select pg_sleep(0.2)::text, 'of another' as secret",
      query_timeout: 100,
    };

    const givenUp = rejection(pool.query(secret));
    const next = pool.query("select 2 as b");
    await pause(200);
    held.remove();

    expect(await givenUp).toMatchObject({ message: "Query read timeout" });
    expect((await next).rows).toEqual([{ b: 2 }]);
    await pool.end();
    await proxy.stop();
  });

  test("is answered when its connection cannot even be made", async () => {
    const { pg } = guarded(requirePg("pg"), {
      ...PIPELINED,
      connections: { pipelineHandshake: true, lingerMs: 0 },
    });
    const url = `${stage.world.bed.urls.pooled}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`;
    const pool = new pg.Pool({ connectionString: url });

    expect(await rejection(pool.query("select 1"))).toMatchObject({ code: "ENOENT" });

    await pool.end();
  });
});

import dns from "node:dns";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

import { transaction } from "@doorpolicy/pg";
import { startFaultProxy, startTestbed, type Testbed } from "@doorpolicy/testbed";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { Policy } from "@doorpolicy/core";
import type { PoolCounters } from "../../src/pool/pool-counters.ts";
import { eventually, rejection, startWorld, type World } from "../world.ts";

type CountedPool = pg.Pool & { readonly counters: PoolCounters };

let world: World;
let bed: Testbed;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  world = await startWorld();
  ({ bed } = world);
  await bed.sql("create table note (text text); grant all on note to public", "app");
});
afterEach(async () => {
  for (const end of closing.splice(0)) await end();
});
afterAll(() => world[Symbol.asyncDispose]());

function poolOf(connections: Policy["connections"] = {}, url = bed.urls.pooled): CountedPool {
  const { pg: guarded } = world.guard({ connections });
  const pool = new guarded.Pool({ connectionString: url });
  closing.push(() => pool.end());
  return withCounters(pool);
}

function withCounters(pool: pg.Pool): CountedPool {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a guarded pool has them.
  return pool as CountedPool;
}

/** The port that the kernel has chosen. */
async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await close(server);
  return port;
}

const at = (port: number): string => `postgres://app:app@127.0.0.1:${port}/app`;

describe("a pooler that is away for a moment", () => {
  test("costs those who wait for a connection no error", async () => {
    const pool = poolOf({ maxPerProcess: 3 });
    await bed.stopPooler();

    const asked = Array.from({ length: 12 }, (_, n) => pool.query("select $1::int as n", [n]));
    await eventually(() => expect(pool.counters.retried).toBeGreaterThan(0));
    await bed.startPooler();
    const answers = await Promise.all(asked);

    expect(answers.map(({ rows: [row] }) => row.n)).toEqual(answers.map((_, n) => n));
    await eventually(() => expect(pool.counters).toMatchObject({ timedOut: 0, open: 0 }));
  });

  test("is tried by one socket at a time, however many wait", async () => {
    let now = 0;
    let most = 0;
    let all = 0;
    const deaf = createServer((socket) => {
      all += 1;
      now += 1;
      most = Math.max(most, now);
      socket.on("error", () => undefined).on("close", () => (now -= 1));
      // The first ones are opened together: nobody knows of a fault yet.
      setTimeout(() => socket.destroy(), 20);
      if (all === 5) most = 0;
    });
    const port = await listen(deaf);
    closing.push(() => close(deaf));
    const pool = poolOf({ maxPerProcess: 5, acquireTimeoutMs: 900 }, at(port));

    const errors = await Promise.all(
      Array.from({ length: 200 }, () => rejection(pool.query("select 1"))),
    );

    expect(new Set(errors.map(String))).toEqual(
      new Set(["Error: Connection terminated unexpectedly"]),
    );
    expect(most).toBe(1);
    // The last pause may end when nobody waits any more.
    expect([0, 1]).toContain(5 + pool.counters.retried - all);
    expect(pool.counters.retried).toBeGreaterThan(2);
    expect(pool.counters.retried).toBeLessThan(12);
  });

  test("is the error of whoever waited for it in vain, as the last attempt met it", async () => {
    const pool = poolOf({ acquireTimeoutMs: 300 }, at(await closedPort()));
    const from = performance.now();

    const error = await rejection(pool.query("select 1"));

    expect(performance.now() - from).toBeGreaterThanOrEqual(290);
    expect(error).toMatchObject({ code: "ECONNREFUSED", explanation: { kind: "network.refused" } });
    expect(pool.counters).toMatchObject({ timedOut: 1, opened: 0 });
  });

  test("is asked again at once by whoever comes after those have gone", async () => {
    const port = await closedPort();
    // By then the pauses are longer than the bound below.
    const pool = poolOf({ acquireTimeoutMs: 700 }, at(port));
    await rejection(pool.query("select 1"));
    const { failed } = pool.counters;

    const next = rejection(pool.query("select 1"));

    await eventually(() => expect(pool.counters.failed).toBe(failed + 1), 150);
    await next;
  });

  test("keeps no caller whose signal is aborted", async () => {
    const pool = poolOf({ acquireTimeoutMs: 15_000 }, at(await closedPort()));
    const gone = new AbortController();

    const work = rejection(transaction({ signal: gone.signal }, () => pool.query("select 1")));
    await eventually(() => expect(pool.counters.retried).toBeGreaterThan(0));
    const reason = new Error("the caller has gone");
    gone.abort(reason);

    expect(await work).toBe(reason);
    expect(pool.counters.waiting).toBe(0);
  });

  test("keeps no pool that is ended", async () => {
    const pool = poolOf({ acquireTimeoutMs: 15_000 }, at(await closedPort()));
    const asked = rejection(pool.query("select 1"));
    await eventually(() => expect(pool.counters.retried).toBeGreaterThan(0));

    await pool.end();
    closing.length = 0;

    expect(await asked).toMatchObject({
      code: "connection/pool-ended",
      explanation: { retryable: "no" },
    });
    expect(pool.counters).toMatchObject({ open: 0, waiting: 0 });
  });

  test("fails one caller each, at once, where the policy says so", async () => {
    const url = at(await closedPort());
    const pool = poolOf({ connectRetry: false, acquireTimeoutMs: 15_000, maxPerProcess: 2 }, url);

    const errors = await Promise.all([1, 2, 3].map(() => rejection(pool.query("select 1"))));

    for (const error of errors) expect(error).toMatchObject({ code: "ECONNREFUSED" });
    expect(pool.counters).toMatchObject({ failed: 3, retried: 0 });
  });

  test("has no say where something must be changed first", async () => {
    const url = new URL(bed.urls.pooled);
    url.pathname = "/nowhere";
    const pool = poolOf({ acquireTimeoutMs: 15_000 }, url.href);

    const error = await rejection(pool.query("select 1"));

    expect(error).toMatchObject({ explanation: { kind: "server.unknown-database" } });
    expect(pool.counters).toMatchObject({ failed: 1, retried: 0 });
  });
});

test("a login that is swallowed leaves its caller time for another", async () => {
  await using proxy = await startFaultProxy({ target: bed.urls.pooled });
  const swallowed = proxy.when({ direction: "client", message: "Startup", nth: 1 }, "blackHole");
  const pool = poolOf({ acquireTimeoutMs: 4_000 }, proxy.url(bed.urls.pooled));

  const { rows } = await pool.query("select 1 as n");

  expect(rows).toEqual([{ n: 1 }]);
  expect(swallowed.count).toBe(2);
  expect(pool.counters).toMatchObject({ failed: 1, retried: 1, opened: 1, timedOut: 0 });
});

test("a login that is always swallowed is an acquire limit that is over", async () => {
  await using proxy = await startFaultProxy({ target: bed.urls.pooled });
  proxy.when({ direction: "client", message: "Startup" }, "blackHole");
  const pool = poolOf({ acquireTimeoutMs: 1_200 }, proxy.url(bed.urls.pooled));

  const error = await rejection(pool.query("select 1"));

  expect(error).toMatchObject({ code: "connection/acquire-timeout" });
});

test("a password function is asked once for each attempt, and one that hangs costs one attempt", async () => {
  const { pg: guarded } = world.guard({ connections: { acquireTimeoutMs: 4_000 } });
  await using asking = await startTestbed({ allowDownload: true, auth: "scram" });
  const url = new URL(asking.urls.pooled);
  let asked = 0;
  const password = (): Promise<string> => {
    asked += 1;
    if (asked === 1) return new Promise(() => undefined);
    return asked === 2 ? Promise.reject(tokenServiceIsAway()) : Promise.resolve("app");
  };
  const { hostname: host, port } = url;
  const pool = withCounters(
    new guarded.Pool({ host, port: Number(port), user: "app", database: "app", password }),
  );

  const { rows } = await pool.query("select 1 as n");
  await pool.end();

  expect(rows).toEqual([{ n: 1 }]);
  expect(pool.counters).toMatchObject({ opened: 1, timedOut: 0, failed: 2 });
  expect(asked).toBe(3);
});

function tokenServiceIsAway(): Error {
  const more = { code: "ECONNREFUSED", errno: -111, syscall: "connect" };
  return Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:8200"), more);
}

test("a pooler that is full is waited for", async () => {
  await bed.admin("SET max_client_conn = 1");
  const holder = new pg.Client({ connectionString: bed.urls.pooled });
  await holder.connect();
  try {
    const pool = poolOf();

    const asked = pool.query("select 1 as n");
    await eventually(() => expect(pool.counters.retried).toBeGreaterThan(0));
    await holder.end();

    expect((await asked).rows).toEqual([{ n: 1 }]);
  } finally {
    await bed.admin("SET max_client_conn = 100");
  }
});

test("a name that has moved is resolved anew by each attempt", async () => {
  const own = dns.lookup;
  const { port } = new URL(bed.urls.pooled);
  let isMoved = false;
  const asked: string[] = [];
  const moving = (name: string, ...rest: unknown[]): void => {
    if (name === "pooler.test") asked.push(name);
    // 127.0.0.2 is this machine as well, and nothing listens there.
    const address = isMoved ? "127.0.0.1" : "127.0.0.2";
    Reflect.apply(own, dns, [name === "pooler.test" ? address : name, ...rest]);
  };
  Object.assign(dns, { lookup: Object.assign(moving, own) });
  try {
    const url = new URL(bed.urls.pooled);
    url.host = `pooler.test:${port}`;
    const pool = poolOf({}, url.href);

    const row = pool.query("select 1 as n");
    await eventually(() => expect(pool.counters.retried).toBeGreaterThan(0));
    isMoved = true;

    expect((await row).rows).toEqual([{ n: 1 }]);
    expect(asked.length).toBeGreaterThanOrEqual(2);
  } finally {
    Object.assign(dns, { lookup: own });
  }
});

test("a statement that was written is not sent again", async () => {
  const pool = poolOf({ maxPerProcess: 1 });
  const running = rejection(
    pool.query("with slow as (select pg_sleep(30)) insert into note select 'once' from slow"),
  );
  await eventually(async () => {
    const [row] = await bed.sql(
      "select count(*) from pg_stat_activity where state = 'active' and query like 'with slow%'",
    );
    expect(row).toEqual({ count: "1" });
  });

  await bed.restartPooler();
  const error = await running;

  expect(error).toMatchObject({ code: "statement/outcome-unknown" });
  const { rows } = await pool.query("select count(*)::int as notes from note");
  expect(rows).toEqual([{ notes: 0 }]);
});

import net from "node:net";

import { isPolicyError } from "@doorpolicy/core";
import { poolCounters } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import { eventually, pause, rejection, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

describe("the name of a connection", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("is the policy's, whatever the URL, an option and PGAPPNAME say", async () => {
    vi.stubEnv("PGAPPNAME", "from-environment");
    const { pg } = world.guard();
    const pool = new pg.Pool({
      connectionString: `${world.bed.urls.pooled}?application_name=from-url`,
      application_name: "from-option",
    });

    const { rows } = await pool.query("select current_setting('application_name') as name");

    expect(rows).toEqual([{ name: "billing:deploy@web-1" }]);
    await pool.end();
  });

  test("is the policy's where there is no pool, and in every mode", async () => {
    for (const mode of ["enforce", "observe", "bypass"] as const) {
      const { pg } = world.guard({ mode });
      const client = new pg.Client(world.bed.urls.pooled);
      await client.connect();

      const { rows } = await client.query("select current_setting('application_name') as name");

      expect(rows).toEqual([{ name: "billing:deploy@web-1" }]);
      await client.end();
    }
  });
});

describe("a connection that nobody uses", () => {
  test("is closed after a query", async () => {
    const { pg } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    await Promise.all(Array.from({ length: 10 }, () => pool.query("select 1")));

    await eventually(async () => expect(await world.clients()).toEqual([]));
    await pool.end();
  });

  test("stays open where the policy reuses connections", async () => {
    const { pg } = world.guard({ connections: { reuse: "pool" } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    await pool.query("select 1");
    await pool.query("select 2");

    expect(await world.clients()).toEqual(["billing:deploy@web-1"]);
    expect(pool.totalCount).toBe(1);
    await pool.end();
    await eventually(async () => expect(await world.clients()).toEqual([]));
  });

  test("has closed its socket when the end of the pool is reported", async () => {
    const { pg } = world.guard();
    for (let round = 0; round < 10; round++) {
      const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
      let isClosed = false;
      pool.once("connect", (client) => {
        client.once("end", () => {
          isClosed = true;
        });
      });
      await pool.query("select 1");

      await pool.end();

      expect(isClosed).toBe(true);
    }
  });

  test("is waited for in the callback form of end(), and a second end() is an error", async () => {
    const { pg } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    await pool.query("select 1");

    await new Promise<void>((resolve) => {
      pool.end(resolve);
    });
    const again = await rejection(pool.end());

    expect(again).toMatchObject({ message: "Called end on pool more than once" });
  });
});

describe("every form of a query", () => {
  test("gets its answer", async () => {
    const { pg } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    const byPromise = await pool.query("select $1::int as n", [1]);
    const byConfig = await pool.query({
      text: "select $1::int as n",
      values: [2],
      rowMode: "array",
    });
    const byCallback = await new Promise((resolve, reject) => {
      pool.query("select $1::int as n", [3], (error, result) =>
        error ? reject(error) : resolve(result.rows),
      );
    });
    const byConnectCallback = await new Promise((resolve, reject) => {
      pool.connect((error, client, release) => {
        if (client === undefined) return reject(error);
        client.query("select 4 as n", (failure, result) => {
          release();
          return failure ? reject(failure) : resolve(result.rows);
        });
      });
    });

    expect(byPromise.rows).toEqual([{ n: 1 }]);
    expect(byConfig.rows).toEqual([[2]]);
    expect(byCallback).toEqual([{ n: 3 }]);
    expect(byConnectCallback).toEqual([{ n: 4 }]);
    await pool.end();
  });
});

describe("waiting for a connection", () => {
  test("has an end where nobody set one, and the error says who holds what", async () => {
    const { pg, seen } = world.guard({ connections: { maxPerProcess: 1, acquireTimeoutMs: 150 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const holder = await pool.connect();

    const error = await rejection(pool.connect());

    expect(error).toMatchObject({
      code: "connection/acquire-timeout",
      message: expect.stringMatching(
        /^No connection within 150 ms: 1 of 1 are in use and 0 more callers wait\. The oldest has been held for \d+ ms, taken at .*guarded-pool\.test\.ts/,
      ),
      cause: expect.objectContaining({ message: "timeout exceeded when trying to connect" }),
    });
    expect(seen).toMatchObject([{ rule: "connections/acquire-timeout", action: "reported" }]);
    holder.release();
    await pool.query("select 1");
    await pool.end();
  });

  test("has an end when a server does not answer", async () => {
    const silent = net.createServer();
    const sockets = new Set<net.Socket>();
    silent.on("connection", (socket) => sockets.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const { pg } = world.guard({ connections: { acquireTimeoutMs: 150 } });
    const pool = new pg.Pool({ host: "127.0.0.1", port, user: "app", database: "app" });

    const error = await rejection(pool.query("select 1"));

    expect(error).toMatchObject({
      code: "connection/acquire-timeout",
      message: expect.stringMatching(
        /^No connection within 150 ms: 0 of 10 are in use and 0 more callers wait\. 1 are being opened .* Check/,
      ),
    });
    await pool.end();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  test("keeps a shorter limit and cap of the service, unless the policy enforces its own", async () => {
    const config = { connectionString: world.bed.urls.pooled, max: 2, connectionTimeoutMillis: 70 };
    const connections = { maxPerProcess: 5, acquireTimeoutMs: 900 };

    const free = new (world.guard({ connections }).pg.Pool)(config);
    const bound = new (world.guard({ connections, enforced: ["connections"] }).pg.Pool)(config);

    expect(free.options).toMatchObject({ max: 2, connectionTimeoutMillis: 70 });
    expect(bound.options).toMatchObject({ max: 5, connectionTimeoutMillis: 900 });
  });

  test("calls back in the async context of the caller, not of whoever released", async () => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const context = new AsyncLocalStorage<string>();
    const { pg } = world.guard({ connections: { maxPerProcess: 1 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const holder = await pool.connect();

    const waiter = context.run(
      "waiter",
      () =>
        new Promise((resolve) => {
          pool.connect((_error, _client, release) => {
            release();
            resolve(context.getStore());
          });
        }),
    );
    context.run("releaser", () => holder.release());

    expect(await waiter).toBe("waiter");
    await pool.end();
  });
});

describe("what the pools of the process are doing", () => {
  test("is told for each target and lane, until a pool is ended", async () => {
    const { pg } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const before = poolCounters().length;
    const client = await pool.connect();

    const [mine] = poolCounters().slice(-1);
    client.release();
    await pool.end();

    expect(mine).toMatchObject({
      target: "main",
      lane: "pooled",
      counters: { open: 1, inUse: 1, idle: 0, waiting: 0, opened: 1, handedOver: 0 },
    });
    expect(poolCounters()).toHaveLength(before - 1);
  });
});

describe("bypass", () => {
  test("leaves a stock pool with the policy's cap, name and acquire limit", async () => {
    const { pg } = world.guard({
      mode: "bypass",
      connections: { maxPerProcess: 3, acquireTimeoutMs: 700 },
    });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    await pool.query("select 1");

    expect(pool.options).toMatchObject({ max: 3, connectionTimeoutMillis: 700, maxUses: Infinity });
    expect(await world.clients()).toEqual(["billing:deploy@web-1"]);
    await pool.end();
  });
});

describe("a listener of the pool that throws", () => {
  test("costs no slot and no process", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on("warning", onWarning);
    const { pg } = world.guard({ connections: { maxPerProcess: 1 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    pool.on("release", () => {
      throw new Error("a metric that failed");
    });

    await pool.query("select 1");
    await pool.query("select 2");

    await eventually(() =>
      expect(warnings.map(({ message }) => message)).toContainEqual(
        expect.stringContaining("a metric that failed"),
      ),
    );
    process.off("warning", onWarning);
    await pool.end();
  });
});

test("a lane that is refused says so as a policy error", async () => {
  const { pg } = world.guard();

  const error = await rejection(
    (async () => new pg.Pool({ connectionString: "mysql://u:secret@h/d" }).query("select 1"))(),
  );

  expect(isPolicyError(error) && error.code).toBe("url/unsupported");
  expect(String(error)).not.toContain("secret");
  await pause(0);
});

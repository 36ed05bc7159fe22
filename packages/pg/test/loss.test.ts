import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { eventually, rejection, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** Ends the backend that serves a transaction, as an administrator or a failover would. */
async function terminate(backend: number): Promise<void> {
  await world.bed.sql(`select pg_terminate_backend(${backend})`);
}

async function backendOf(client: {
  query(text: string): Promise<{ rows: { backend?: unknown }[] }>;
}): Promise<number> {
  const { rows } = await client.query("select pg_backend_pid() as backend");
  return Number(rows[0]?.backend);
}

describe("a connection that is lost while somebody holds it", () => {
  test("ends no process, and the next statement says why it was lost", async () => {
    const { pg } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.direct });
    const client = await pool.connect();
    const ended = new Promise((resolve) => client.once("end", resolve));

    await terminate(await backendOf(client));
    await ended;
    const error = await rejection(client.query("select 1"));

    expect(error).toMatchObject({
      message:
        "Client has encountered a connection error and is not queryable: the statement was not sent. What came last: terminating connection due to administrator command.",
      cause: expect.objectContaining({ code: "57P01" }),
    });
    client.release();
    await pool.end();
  });

  test("frees its slot though nobody releases it", async () => {
    const { pg } = world.guard({ connections: { maxPerProcess: 1, acquireTimeoutMs: 2_000 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.direct });
    const client = await pool.connect();

    await terminate(await backendOf(client));
    const { rows } = await pool.query("select 1 as n");

    expect(rows).toEqual([{ n: 1 }]);
    client.release();
    await pool.end();
  });

  test("in a transaction through the pooler leaves a process that goes on", async () => {
    const { pg } = world.guard({ connections: { maxPerProcess: 1 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");

    await terminate(await backendOf(client));
    await eventually(async () => {
      await rejection(client.query("select 1"));
      expect(pool.totalCount).toBe(0);
    });
    client.release();

    expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    await pool.end();
  });

  test("during a statement rejects it with the server's reason, released in between or not", async () => {
    const { pg, seen } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.direct });
    for (const isReleased of [true, false]) {
      const client = await pool.connect();
      const backend = await backendOf(client);

      const running = rejection(client.query("select pg_sleep(10)"));
      if (isReleased) client.release();
      await eventually(async () => {
        const rows = await world.bed.sql(
          `select 1 from pg_stat_activity where pid = ${backend} and state = 'active'`,
        );
        expect(rows).toHaveLength(1);
      });
      await terminate(backend);

      expect(await running).toMatchObject({ code: "57P01" });
      expect(await rejection(client.query("select 1"))).toMatchObject(
        isReleased ? { code: "connection/released" } : { cause: { code: "57P01" } },
      );
      client.release();
    }
    await pool.end();
    expect(seen).toEqual([]);
  });

  test("without a pool is an event for whoever listens, and nothing for who does not", async () => {
    const { pg } = world.guard();
    const client = new pg.Client(world.bed.urls.direct);
    await client.connect();
    const backend = await backendOf(client);
    const ended = new Promise((resolve) => client.once("end", resolve));

    await terminate(backend);
    await ended;
    await client.end();

    expect(await rejection(client.query("select 1"))).toMatchObject({ cause: { code: "57P01" } });
  });
});

describe("a connection that is lost while nobody holds it", () => {
  test("leaves the pool, and the next caller gets another", async () => {
    const { pg } = world.guard({ connections: { reuse: "pool", idleTimeoutMs: 60_000 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.direct });
    const client = await pool.connect();
    const backend = await backendOf(client);
    client.release();

    await terminate(backend);
    await eventually(() => expect(pool.totalCount).toBe(0));

    expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    await pool.end();
  });
});

describe("a restart of the pooler", () => {
  test("is survived by held, waiting and coming connections alike", async () => {
    const { pg } = world.guard({ connections: { maxPerProcess: 2, acquireTimeoutMs: 4_000 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const held = await pool.connect();
    const inBlock = await pool.connect();
    await inBlock.query("BEGIN");
    const waiting = Promise.allSettled([pool.query("select 1"), pool.query("select 2")]);

    await world.bed.restartPooler();
    await waiting;
    held.release();
    inBlock.release();

    await eventually(async () =>
      expect((await pool.query("select 3 as n")).rows).toEqual([{ n: 3 }]),
    );
    await pool.end();
  });
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { eventually, makeCursor, rejection, requirePg, startWorld, type World } from "./world.ts";

const versions = ["pg85", "pg811", "pg816", "pg"] as const;
let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

/** Every private field that the guard reads takes part in one of these. */
describe.each(versions)("with %s", (name) => {
  const module = requirePg(name);

  test("names, hands out and closes connections", async () => {
    const { pg, seen } = world.guard({}, module);
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    const { rows } = await pool.query("select current_setting('application_name') as name");
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => pool.query("select $1::int", [index])),
    );

    expect(rows).toEqual([{ name: "billing:deploy@web-1" }]);
    await eventually(async () => expect(await world.clients()).toEqual([]));
    await pool.end();
    expect(seen).toEqual([]);
  });

  test("rolls back at release, in T, in E and with a stale status", async () => {
    const { pg, seen } = world.guard({}, module);
    const before = world.droppedServers();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    for (const texts of [["BEGIN"], ["BEGIN", "select 1/0"], ["BEGIN; select 1/0"]]) {
      const client = await pool.connect();
      for (const text of texts) await client.query(text).catch(() => undefined);
      client.release();
    }
    await pool.end();

    expect(seen.map(({ rule }) => rule)).toEqual(
      Array.from({ length: 3 }, () => "transaction/left-open"),
    );
    expect(await world.openTransactions()).toBe(0);
    expect(world.droppedServers()).toBe(before);
  });

  test("does not report twenty errored queries, nor what pg refuses before sending it", async () => {
    const { pg, seen } = world.guard({ connections: { reuse: "pool", maxPerProcess: 1 } }, module);
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    for (let round = 0; round < 20; round++) await rejection(pool.query("select 1/0"));
    const client = await pool.connect();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as a caller without types does it.
    await rejection(client.query({ text: "select $1", values: "not an array" as never }));
    client.release();

    expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    await pool.end();
    expect(seen).toEqual([]);
  });

  test("sends limits with BEGIN, and ends an idle block with a reason", async () => {
    const { pg, seen } = world.guard(
      { connections: { maxPerProcess: 1 }, transaction: { idleTimeoutMs: 150, lockTimeoutMs: 70 } },
      module,
    );
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    const began = await client.query("BEGIN");
    const { rows } = await client.query("show lock_timeout");
    await pool.query("select 1");
    const error = await rejection(client.query("COMMIT"));

    expect(began.command).toBe("BEGIN");
    expect(rows).toEqual([{ lock_timeout: "70ms" }]);
    expect(error).toMatchObject({ code: "transaction/ended-by-policy" });
    expect(seen).toMatchObject([{ rule: "transaction/idle", action: "rolled-back" }]);
    await pool.end();
  });

  test("says when COMMIT was answered by ROLLBACK", async () => {
    const { pg } = world.guard({}, module);
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    await rejection(client.query("select 1/0"));

    const error = await rejection(client.query("COMMIT"));

    expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit" });
    await client.end();
  });

  test("frees the slot of a lost connection, and serves those who wait", async () => {
    const { pg } = world.guard(
      { connections: { maxPerProcess: 1, acquireTimeoutMs: 2_000 } },
      module,
    );
    const pool = new pg.Pool({ connectionString: world.bed.urls.direct });
    const client = await pool.connect();
    const { rows } = await client.query("select pg_backend_pid() as backend");

    const waiting = pool.query("select 1 as n");
    await world.bed.sql(`select pg_terminate_backend(${rows[0].backend})`);

    expect((await waiting).rows).toEqual([{ n: 1 }]);
    expect(await rejection(client.query("select 1"))).toMatchObject({ cause: { code: "57P01" } });
    client.release();
    await pool.end();
  });

  test("serves those who wait when a socket is destroyed under its holder", async () => {
    const { pg } = world.guard(
      { connections: { maxPerProcess: 1, acquireTimeoutMs: 2_000 } },
      module,
    );
    const pool = new pg.Pool({ connectionString: world.bed.urls.direct });
    const client = await pool.connect();
    const { stream } = client.connection;

    const waiting = pool.query("select 1 as n");
    stream.destroy();

    expect((await waiting).rows).toEqual([{ n: 1 }]);
    await pool.end();
  });

  test("answers end() from inside the event that says the connection is lost", async () => {
    const { pg } = world.guard({}, module);
    const client = new pg.Client(world.bed.urls.direct);
    await client.connect();
    const { rows } = await client.query("select pg_backend_pid() as backend");
    const ends: Promise<void>[] = [];
    client.on("error", () => ends.push(client.end()));

    const running = rejection(client.query("select pg_sleep(5)"));
    await world.bed.sql(`select pg_terminate_backend(${rows[0].backend})`);
    await running;
    await eventually(() => expect(ends.length).toBeGreaterThan(0));

    await Promise.all(ends);
  });

  test("ends the wait for a connection", async () => {
    const { pg } = world.guard(
      { connections: { maxPerProcess: 1, acquireTimeoutMs: 500 } },
      module,
    );
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    const error = await rejection(pool.query("select 1"));

    expect(error).toMatchObject({ code: "connection/acquire-timeout" });
    client.release();
    await pool.end();
  });

  test("refuses a startup parameter before it connects", async () => {
    const { pg } = world.guard({}, module);
    const client = new pg.Client({
      connectionString: world.bed.urls.pooled,
      options: "-c role=admin",
    });

    expect(await rejection(client.connect())).toMatchObject({ code: "startup/refused" });
  });

  test("reads a cursor to its end", async () => {
    const { pg, seen } = world.guard({}, module);
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    const cursor = client.query(makeCursor("select generate_series(1, 10) as n"));

    const first = await cursor.read(6);
    const rest = await cursor.read(6);
    await cursor.close();
    client.release();

    expect([first.length, rest.length]).toEqual([6, 4]);
    await pool.end();
    expect(seen).toEqual([]);
  });
});

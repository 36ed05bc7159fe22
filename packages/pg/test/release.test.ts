import type { Mode } from "@doorpolicy/core";
import type { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, pause, rejection, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.bed.sql("create table note (text text); grant all on note to public", "app");
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await world.bed.sql("truncate note", "app");
});

const LEFT_OPEN = { rule: "transaction/left-open", action: "rolled-back" };

async function notes(): Promise<number> {
  const rows = await world.bed.sql("select count(*) as notes from note", "app");
  return Number(rows[0]?.["notes"]);
}

/** A checkout by its own `release`, which outlives it. */
function checkOut(pool: Pool): Promise<{ release: (error?: Error) => void }> {
  return new Promise((resolve, reject) => {
    pool.connect((error, _client, release) => (error ? reject(error) : resolve({ release })));
  });
}

describe.each<Mode>(["enforce", "observe", "bypass"])("in %s, a connection given back", (mode) => {
  test("inside a transaction is rolled back and reported before anybody gets it", async () => {
    const { pg, seen } = world.guard({ mode, connections: { maxPerProcess: 1, reuse: "pool" } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const leaker = await pool.connect();
    await leaker.query("BEGIN");
    await leaker.query("insert into note values ('leaked')");

    leaker.release();
    await pool.query("insert into note values ('a stranger''s')");

    expect(await notes()).toBe(1);
    expect(await world.openTransactions()).toBe(0);
    expect(seen).toMatchObject([{ ...LEFT_OPEN, mode, statement: "insert into note values (?)" }]);
    expect(seen[0]?.openedBy).toContain("release.test.ts");
    await pool.end();
  });

  test("inside a failed transaction is rolled back and reported", async () => {
    const { pg, seen } = world.guard({ mode });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");
    await rejection(client.query("select 1/0"));

    client.release();

    await eventually(() => expect(seen).toMatchObject([LEFT_OPEN]));
    await pool.end();
    expect(await world.openTransactions()).toBe(0);
  });

  test("after a raw BEGIN through the pool leaves nothing open", async () => {
    const { pg, seen } = world.guard({ mode });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const rules = {
      enforce: ["transaction/no-raw-control"],
      observe: ["transaction/no-raw-control", "transaction/left-open"],
      bypass: ["transaction/left-open"],
    };

    const result = await pool.query("BEGIN").catch((error: unknown) => error);
    await eventually(() => expect(seen.map(({ rule }) => rule)).toEqual(rules[mode]));

    const refused = { code: "transaction/no-raw-control" };
    expect(result).toMatchObject(mode === "enforce" ? refused : { command: "BEGIN" });
    expect(await world.openTransactions()).toBe(0);
    await pool.end();
  });

  test("with a stale status, one simple query that begins and fails, is rolled back and reported", async () => {
    const { pg, seen } = world.guard({ mode });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    for (let round = 1; round <= 5; round++) {
      const client = await pool.connect();

      await rejection(client.query("BEGIN; select 1/0"));
      client.release();

      await eventually(() => expect(seen).toHaveLength(round));
    }

    expect(await world.openTransactions()).toBe(0);
    await pool.end();
  });

  test("after twenty errors in a row is not reported", async () => {
    const { pg, seen } = world.guard({ mode });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    for (let round = 0; round < 10; round++) {
      const client = await pool.connect();
      await rejection(client.query("select 1/0"));
      client.release();
      await rejection(pool.query("select $1::int / 0", [1]));
    }

    await pool.end();
    expect(seen).toEqual([]);
  });

  test("twice goes back once", async () => {
    const { pg, seen } = world.guard({ mode, connections: { maxPerProcess: 1, reuse: "pool" } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const { release } = await checkOut(pool);

    release();
    release(new Error("again"));
    const second = await pool.connect();
    release();

    expect(pool.idleCount).toBe(0);
    await second.query("select 1");
    second.release();
    await pool.end();
    expect(seen).toEqual([]);
  });

  test("inside the connect callback, before pg knows that it is ready, goes back at once", async () => {
    const { pg, seen } = world.guard({ mode });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    const started = performance.now();
    await new Promise<void>((resolve, reject) => {
      pool.connect((error, _client, release) => {
        release();
        if (error) reject(error);
        else resolve();
      });
    });
    await pool.end();

    expect(performance.now() - started).toBeLessThan(1_000);
    expect(seen).toEqual([]);
  });
});

describe("a connection on its way back", () => {
  test("takes no statement any more, so that nothing of the old holder autocommits", async () => {
    const { pg } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");

    client.release();
    const late = await rejection(client.query("insert into note values ('late')"));
    await pool.end();

    expect(late).toMatchObject({ code: "connection/released" });
    expect(await notes()).toBe(0);
  });

  test("finishes a statement that nobody awaited", async () => {
    const { pg, seen } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    const unawaited = client.query("insert into note select 'slow' from pg_sleep(0.2)");
    client.release();
    await unawaited;

    expect(await notes()).toBe(1);
    await pool.end();
    expect(seen).toEqual([]);
  });

  test("is closed when it comes back with an error", async () => {
    const { pg } = world.guard({ connections: { reuse: "pool" } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    client.release(new Error("the holder does not trust it"));

    await eventually(() => expect(pool.totalCount).toBe(0));
    await pool.end();
  });

  test("stays out of the pool when pg stopped waiting for its statement", async () => {
    const { pg } = world.guard({
      mode: "observe",
      connections: { reuse: "pool", maxPerProcess: 1 },
    });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled, query_timeout: 50 });
    const client = await pool.connect();

    const error = await rejection(client.query("select pg_sleep(0.4)"));
    client.release();
    const released = performance.now();
    await pool.query("select 1");

    expect(error).toMatchObject({ message: "Query read timeout" });
    expect(performance.now() - released).toBeGreaterThan(250);
    await pool.end();
  });
});

describe("end() of a client", () => {
  test("in a transaction rolls back first, and the pooler keeps its server connection", async () => {
    const { pg, seen } = world.guard();
    const before = world.droppedServers();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    await client.query("insert into note values ('never')");

    await client.end();

    expect(seen).toMatchObject([LEFT_OPEN]);
    expect(await notes()).toBe(0);
    expect(world.droppedServers()).toBe(before);
  });

  test("inside the callback of an error, when the status is stale, waits for the true one", async () => {
    const { pg, seen } = world.guard();
    const before = world.droppedServers();
    for (let round = 1; round <= 5; round++) {
      const client = new pg.Client(world.bed.urls.pooled);
      await client.connect();

      await new Promise<void>((resolve) => {
        client.query("BEGIN; select 1/0", () => client.end(() => resolve()));
      });

      expect(seen).toHaveLength(round);
    }

    expect(world.droppedServers()).toBe(before);
  });

  test("answers in both forms, twice, and before it was ever connected", async () => {
    const { pg, seen } = world.guard();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");

    await Promise.all([client.end(), new Promise((resolve) => client.end(resolve))]);
    await client.end();
    await new pg.Client(world.bed.urls.pooled).end();

    const refused = await rejection(client.query("select 1"));
    expect(refused).toMatchObject({ message: "Client was closed and is not queryable" });
    expect(seen).toMatchObject([LEFT_OPEN]);
  });
});

describe("the pooler", () => {
  test("drops no server connection because of any of this", async () => {
    const { pg } = world.guard({ connections: { reuse: "none", maxPerProcess: 3 } });
    const before = world.droppedServers();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });

    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const client = await pool.connect();
        await client.query("BEGIN");
        if (index % 2 === 0) await rejection(client.query("select 1/0"));
        client.release();
        await rejection(pool.query("select 1/0"));
      }),
    );
    await pool.end();
    await pause(50);

    expect(world.droppedServers()).toBe(before);
  });
});

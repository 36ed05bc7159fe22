import type { Policy } from "@doorpolicy/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { connectionGuardOf } from "../src/guarded-client.ts";
import type { PgClient } from "../src/driver/pg-internals.ts";
import { guardPg } from "../src/guard-pg.ts";
import {
  eventually,
  makeCursor,
  pause,
  rejection,
  requirePg,
  startWorld,
  type World,
  PG_VERSIONS,
} from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld(guardPg);
  await world.bed.sql("create table note (text text); grant all on note to public", "app");
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const SAFE: Policy = { targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" } } } };

async function running(): Promise<number> {
  const rows = await world.bed.sql(
    "select 1 from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()",
  );
  return rows.length;
}

/** The guard of a client; a view of a pooled one leads to the client itself. */
function guardOf(client: unknown): NonNullable<ReturnType<typeof connectionGuardOf>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pg's own types know no guard.
  const guard = connectionGuardOf(client as PgClient);
  if (guard === undefined) throw new Error("It has no guard");
  return guard;
}

/** pg reads it of a statement as well; its types do not say so. */
function withTimeout(text: string, milliseconds: number): { text: string } {
  return Object.assign({ text }, { query_timeout: milliseconds });
}

describe.each(PG_VERSIONS)("with %s, cancelRunning()", (name) => {
  test.each(["pooled", "direct"] as const)("ends a statement over the %s URL", async (lane) => {
    const { pg } = world.guard(SAFE, requirePg(name));
    const before = world.droppedServers();
    const client = new pg.Client(world.bed.urls[lane]);
    await client.connect();
    const sleeping = rejection(client.query("select pg_sleep(10)"));
    await eventually(async () => expect(await running()).toBe(1));

    const cancelling = guardOf(client).cancelRunning();
    await sleeping;
    const outcome = await cancelling;

    expect(outcome).toBe("cancelled");
    expect(await sleeping).toMatchObject({ code: "57014" });
    expect(guardOf(client).isAtRest).toBe(true);
    expect((await client.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    await client.end();
    expect(world.droppedServers()).toBe(before);
  });
});

describe("cancelRunning()", () => {
  test("has nothing to do on a connection at rest, and on one that is gone", async () => {
    const { pg } = world.guard(SAFE);
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();

    expect(await guardOf(client).cancelRunning()).toBe("answered");
    await client.end();
    expect(await guardOf(client).cancelRunning()).toBe("answered");
  });

  test("leaves a statement alone where the pooler dies of such a request", async () => {
    const { pg } = world.guard({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.18" } } },
    });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const sleeping = client.query("select 'slept' as was from pg_sleep(0.3)");

    expect(await guardOf(client).cancelRunning()).toBe("unsupported");

    expect((await sleeping).rows).toEqual([{ was: "slept" }]);
    await client.end();
  });

  test("keeps the connection out of the pool until its request has been dealt with", async () => {
    const { pg } = world.guard(SAFE);
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const sleeping = rejection(client.query("select pg_sleep(10)"));
    await eventually(async () => expect(await running()).toBe(1));

    const cancelling = guardOf(client).cancelRunning();
    expect(guardOf(client).isServerWorking).toBe(true);
    await cancelling;
    await sleeping;

    for (let round = 0; round < 20; round++) {
      expect((await client.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    }
    await client.end();
  });
});

describe("a connection that comes back busy", () => {
  test("has its statement cancelled after a grace, and serves the next caller", async () => {
    const { pg, seen } = world.guard({
      ...SAFE,
      connections: { reuse: "pool", maxPerProcess: 1, acquireTimeoutMs: 4_000 },
    });
    const before = world.droppedServers();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    const slow = rejection(client.query("insert into note select 'slow' from pg_sleep(20)"));
    const queued = rejection(client.query("insert into note values ('queued')"));

    const released = performance.now();
    client.release();
    await pool.query("select 1");

    expect(performance.now() - released).toBeLessThan(2_500);
    expect(await slow).toMatchObject({ code: "57014" });
    expect(await queued).toMatchObject({ code: "connection/released" });
    expect(await running()).toBe(0);
    expect(seen).toMatchObject([{ rule: "connections/released-busy", action: "rolled-back" }]);
    await pool.end();
    expect(await world.bed.sql("select * from note", "app")).toEqual([]);
    expect(world.droppedServers()).toBe(before);
  });

  test("in a block is cancelled, and the block rolled back", async () => {
    const { pg, seen } = world.guard({ ...SAFE, connections: { maxPerProcess: 1 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");
    const slow = rejection(client.query("insert into note select 'slow' from pg_sleep(20)"));

    client.release();
    await slow;
    await pool.end();

    expect(await world.openTransactions()).toBe(0);
    expect(seen.map(({ rule }) => rule)).toEqual([
      "connections/released-busy",
      "transaction/left-open",
    ]);
  });

  test("with a cursor that nobody will read has it closed at once", async () => {
    for (const reads of [0, 5]) {
      const { pg, seen } = world.guard({ connections: { maxPerProcess: 1 } });
      const before = world.droppedServers();
      const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
      const client = await pool.connect();
      const cursor = client.query(makeCursor("select generate_series(1, 100)"));
      if (reads > 0) await cursor.read(reads);
      else await pause(50);

      const released = performance.now();
      client.release();
      await pool.query("select 1");

      expect(performance.now() - released).toBeLessThan(1_000);
      expect(await rejection(cursor.read(5))).toMatchObject({ code: "connection/released" });
      expect(seen).toMatchObject([{ rule: "connections/released-busy", action: "rolled-back" }]);
      await pool.end();
      expect(world.droppedServers()).toBe(before);
    }
  });

  test("by a throw inside the connect callback frees its slot", async () => {
    const { pg } = world.guard({ connections: { maxPerProcess: 1, acquireTimeoutMs: 3_000 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const uncaught = new Promise((resolve) => {
      const others = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.once("uncaughtException", (error) => {
        for (const other of others) process.on("uncaughtException", other);
        resolve(error);
      });
    });

    const started = performance.now();
    pool.connect((_error, _client, release) => {
      release();
      throw new Error("of the application");
    });
    expect(await uncaught).toMatchObject({ message: "of the application" });
    await pool.query("select 1");

    expect(performance.now() - started).toBeLessThan(1_500);
    await pool.end();
  });
});

describe("end() of a busy client", () => {
  test("cancels, and the pooler keeps its server connection", async () => {
    const { pg } = world.guard(SAFE);
    const before = world.droppedServers();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    const slow = rejection(client.query("select pg_sleep(20)"));
    await eventually(async () => expect(await running()).toBe(1));

    const ending = performance.now();
    await client.end();

    expect(performance.now() - ending).toBeLessThan(1_000);
    expect(await slow).toMatchObject({ code: "57014" });
    expect(await world.openTransactions()).toBe(0);
    expect(world.droppedServers()).toBe(before);
  });

  test("destroys the socket at once where it may not cancel, as pg does", async () => {
    const { pg } = world.guard({ ...SAFE, mode: "observe" });
    const client = new pg.Client(world.bed.urls.direct);
    await client.connect();
    const slow = rejection(client.query("select pg_sleep(0.5)"));
    await eventually(async () => expect(await running()).toBe(1));

    const ending = performance.now();
    await client.end();

    expect(performance.now() - ending).toBeLessThan(400);
    expect(await slow).toMatchObject({ message: "Connection terminated" });
  });
});

describe("after pg's query_timeout", () => {
  const forms = ["client", "query"] as const;

  test.each(forms)("given back, the statement is cancelled at once (%s)", async (form) => {
    const { pg } = world.guard({ ...SAFE, connections: { reuse: "pool", maxPerProcess: 1 } });
    const before = world.droppedServers();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    // A pool's own is taken out in enforce.
    const parameters: object = Reflect.get(client, "connectionParameters");
    Reflect.set(parameters, "query_timeout", form === "client" ? 100 : 0);
    const text = "select pg_sleep(20)";

    const error = await rejection(
      client.query(form === "query" ? withTimeout(text, 100) : { text }),
    );
    const released = performance.now();
    client.release();
    await pool.query("select 1");

    expect(error).toMatchObject({ message: "Query read timeout" });
    expect(performance.now() - released).toBeLessThan(900);
    await eventually(async () => expect(await running()).toBe(0), 1_000);
    await pool.end();
    expect(world.droppedServers()).toBe(before);
  });

  test("released inside the callback that says so, the statement is cancelled at once", async () => {
    const { pg } = world.guard({ ...SAFE, connections: { reuse: "pool", maxPerProcess: 1 } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    await new Promise<void>((resolve) => {
      const slow = new pg.Query("select pg_sleep(20)", () => {
        client.release();
        resolve();
      });
      client.query(Object.assign(slow, { query_timeout: 100 }));
    });
    const released = performance.now();
    await pool.query("select 1");

    expect(performance.now() - released).toBeLessThan(900);
    await pool.end();
  });

  test("inside a block the next statement waits behind it, and given back all is rolled back", async () => {
    const { pg, seen } = world.guard({ ...SAFE, connections: { reuse: "pool" } });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");
    const text = "insert into note select 'late' from pg_sleep(0.3)";
    const error = await rejection(client.query(withTimeout(text, 50)));

    const { rows } = await client.query("select text from note");
    client.release();
    await pool.query("select 1");

    expect(error).toMatchObject({ message: "Query read timeout" });
    // It was late and not undone: nothing runs beside or before it.
    expect(rows).toEqual([{ text: "late" }]);
    expect(seen).toMatchObject([{ rule: "transaction/left-open", action: "rolled-back" }]);
    await pool.end();
    expect(await world.bed.sql("select * from note", "app")).toEqual([]);
  });

  test("inside a block that fails meanwhile a COMMIT is an error", async () => {
    const { pg } = world.guard(SAFE);
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    const text = "select 1 / (select 0 from pg_sleep(0.2))";
    await rejection(client.query(withTimeout(text, 50)));

    const error = await rejection(client.query("COMMIT"));

    expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit" });
    await client.end();
  });
});

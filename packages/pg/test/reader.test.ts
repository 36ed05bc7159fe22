import type { Client, Connection, Submittable } from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

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
  world = await startWorld();
  await world.bed.sql("create table note (text text); grant all on note to public", "app");
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const ENDED = { code: "transaction/ended-by-policy" };
const SAFE = { main: { pooler: { kind: "pgbouncer", version: "1.24" } } } as const;

/** Backends that hold a snapshot for one of our clients. */
async function busyBackends(): Promise<number> {
  const rows = await world.bed.sql(
    "select 1 from pg_stat_activity where (query like '%generate_series%' or query like 'COPY%') and state <> 'idle' and pid <> pg_backend_pid()",
  );
  return rows.length;
}

/** `COPY … TO STDOUT` as pg-copy-streams does it, which pauses the socket when its reader is full. */
class CopyOut implements Submittable {
  readonly text = "COPY (select repeat('x', 1000) from generate_series(1, 300000)) TO STDOUT";
  error: unknown;
  rows = 0;
  isDone = false;
  submit(connection: Connection): void {
    connection.query(this.text);
  }
  handleCopyData(): void {
    this.rows += 1;
  }
  handleCommandComplete(): void {}
  handleReadyForQuery(): void {
    this.isDone = true;
  }
  handleError(error: unknown): void {
    this.error ??= error;
  }
}

function streamOf(client: Client): { pause(): void; resume(): void } {
  const { stream } = client.connection;
  return stream;
}

describe.each(PG_VERSIONS)("with %s, a cursor that nobody reads", (name) => {
  test.each<[string, number, string[]]>([
    ["never", 0, []],
    ["on", 5, []],
    ["on, inside a block", 5, ["BEGIN"]],
  ])("%s is ended like an idle block", async (_, reads, before) => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 200 } }, requirePg(name));
    const dropped = world.droppedServers();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    for (const text of before) await client.query(text);
    const cursor = client.query(makeCursor("select generate_series(1, 100) as n"));
    if (reads > 0) await cursor.read(reads);
    const ended = new Promise((resolve) => client.once("end", resolve));

    const idle = performance.now();
    await ended;

    expect(performance.now() - idle).toBeLessThan(600);
    expect(await rejection(cursor.read(5))).toMatchObject(ENDED);
    expect(await rejection(client.query("select 1"))).toMatchObject({
      ...ENDED,
      message: expect.stringContaining("nothing was read from it for"),
    });
    expect(seen).toMatchObject([{ rule: "transaction/idle", action: "rolled-back" }]);
    expect(await busyBackends()).toBe(0);
    expect(world.droppedServers()).toBe(dropped);
  });
});

describe("an open cursor", () => {
  test("frees its slot for the next caller", async () => {
    const { pg } = world.guard({
      connections: { maxPerProcess: 1 },
      transaction: { idleTimeoutMs: 150 },
    });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    const cursor = client.query(makeCursor("select generate_series(1, 100) as n"));
    await cursor.read(5);

    const { rows } = await pool.query("select 1 as n");

    expect(rows).toEqual([{ n: 1 }]);
    client.release();
    await pool.end();
  });

  test("is never ended while somebody reads it, however slowly", async () => {
    const { pg, seen } = world.guard({
      connections: { acquireTimeoutMs: 100 },
      transaction: { idleTimeoutMs: 300, timeoutMs: 1_150 },
    });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const cursor = client.query(makeCursor("select generate_series(1, 8) as n"));

    const rows: unknown[] = [];
    for (let more = await cursor.read(1); more.length > 0; more = await cursor.read(1)) {
      rows.push(...more);
      await pause(180);
    }

    expect(rows).toHaveLength(8);
    expect(seen).toEqual([]);
    await client.end();
  });

  test("is left alone while the server works on its rows", async () => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 100 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const cursor = client.query(makeCursor("select 1 as n from pg_sleep(0.5)"));

    const rows = await cursor.read(5);

    expect(rows).toEqual([{ n: 1 }]);
    await cursor.close();
    expect(seen).toEqual([]);
    await client.end();
  });

  test("is only reported in observe, once, and not looked at in bypass", async () => {
    for (const [mode, rules] of [
      ["observe", ["transaction/idle"]],
      ["bypass", []],
    ] as const) {
      const { pg, seen } = world.guard({ mode, transaction: { idleTimeoutMs: 80 } });
      const client = new pg.Client(world.bed.urls.pooled);
      await client.connect();
      const cursor = client.query(makeCursor("select generate_series(1, 3) as n"));
      await cursor.read(1);

      await pause(350);
      const rest = await cursor.read(5);
      await cursor.close();

      expect(rest).toHaveLength(2);
      expect(seen.map(({ rule }) => rule)).toEqual(rules);
      await client.end();
    }
  });
});

describe("a stream whose reader has paused the socket", () => {
  test("is ended, which the server cannot do", async () => {
    const { pg, seen } = world.guard({ targets: SAFE, transaction: { idleTimeoutMs: 300 } });
    const dropped = world.droppedServers();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const copy = new CopyOut();
    client.query(copy);
    await eventually(() => expect(copy.rows).toBeGreaterThan(0));

    streamOf(client).pause();
    await new Promise((resolve) => client.once("end", resolve));

    expect(copy.error).toMatchObject(ENDED);
    expect(seen).toMatchObject([{ rule: "transaction/idle", action: "rolled-back" }]);
    await eventually(async () => expect(await busyBackends()).toBe(0));
    expect(world.droppedServers()).toBe(dropped);
  });

  test("is never ended while it goes on now and then", async () => {
    const { pg, seen } = world.guard({ targets: SAFE, transaction: { idleTimeoutMs: 300 } });
    const client = new pg.Client(world.bed.urls.direct);
    await client.connect();
    const copy = new CopyOut();
    client.query(copy);
    const stream = streamOf(client);

    for (let round = 0; round < 6; round++) {
      stream.pause();
      await pause(150);
      stream.resume();
      await pause(5);
    }

    await eventually(() => expect(copy.isDone).toBe(true), 15_000);
    expect(copy.rows).toBe(300_000);
    expect(seen).toEqual([]);
    await client.end();
  });
});

describe("a COPY FROM whose writer does nothing", () => {
  test("is ended like a reader that does nothing", async () => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 200 } });
    const dropped = world.droppedServers();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const copy = Object.assign(new CopyOut(), {
      text: "COPY note FROM STDIN",
      handleCopyInResponse: () => undefined,
    });
    client.query(copy);
    const sync = vi.spyOn(client.connection, "sync");

    await new Promise((resolve) => client.once("end", resolve));

    // Answered by a ReadyForQuery of its own, behind which the goodbye would have to wait.
    expect(sync).not.toHaveBeenCalled();
    expect(copy.error).toMatchObject(ENDED);
    expect(seen).toMatchObject([{ rule: "transaction/idle", action: "rolled-back" }]);
    expect(await busyBackends()).toBe(0);
    expect(world.droppedServers()).toBe(dropped);
  });
});

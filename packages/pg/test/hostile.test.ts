import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { eventually, startWorld, type World } from "./world.ts";

const NAME = "billing:deploy@web-1";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.bed.sql("create table note (text text); grant all on note to app", "app");
});

afterAll(() => world?.[Symbol.asyncDispose]());

describe("a name inside `options` does not win", () => {
  test.each([
    "-c application_name=evil",
    "-c APPLICATION_NAME=evil",
    "--application-name=evil",
    "-c application_name=evil -c TimeZone=UTC -c application_name=worse",
  ])("%s", async (options) => {
    const { pg } = world.guard({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" } } },
    });
    await using pool = disposable(
      new pg.Pool({ connectionString: world.bed.urls.pooled, options }),
    );

    const { rows } = await pool.query("show application_name");

    expect(rows).toEqual([{ application_name: NAME }]);
  });
});

describe('with `reuse: "pool"`, one client object for all its holders', () => {
  test.each(["enforce", "observe", "bypass"] as const)(
    "%s: a former holder is refused, and its second release does nothing",
    async (mode) => {
      const { pg, seen } = world.guard({ mode, connections: { reuse: "pool" } });
      await using pool = disposable(
        new pg.Pool({ connectionString: world.bed.urls.pooled, max: 1 }),
      );
      const former = await pool.connect();
      former.release();
      const holder = await pool.connect();
      await holder.query("BEGIN");

      const late = former.query("insert into note values ('stranger')");
      former.release();

      await expect(late).rejects.toMatchObject({ code: "connection/released" });
      await holder.query("insert into note values ('own')");
      await expect(holder.query("COMMIT")).resolves.toMatchObject({ command: "COMMIT" });
      holder.release();
      expect(seen).toEqual([]);
      expect(holder).toBeInstanceOf(pg.Client);
    },
  );
});

describe("Error.prepareStackTrace of a service", () => {
  const original = Reflect.get(Error, "prepareStackTrace");
  afterEach(() => {
    Reflect.set(Error, "prepareStackTrace", original);
  });

  test("that makes stacks lists costs no connection", async () => {
    const { pg, seen } = world.guard();
    await using pool = disposable(new pg.Pool({ connectionString: world.bed.urls.pooled, max: 1 }));
    Reflect.set(Error, "prepareStackTrace", (_: unknown, frames: unknown) => frames);
    const client = await pool.connect();
    await client.query("BEGIN");

    client.release();

    await expect(pool.query("select 1")).resolves.toMatchObject({ rowCount: 1 });
    expect(seen.map(({ rule }) => rule)).toEqual(["transaction/left-open"]);
  });
});

test("PREPARE TRANSACTION answered by ROLLBACK is an error", async () => {
  const { pg } = world.guard();
  await using pool = disposable(new pg.Pool({ connectionString: world.bed.urls.pooled }));
  const client = await pool.connect();
  await client.query("BEGIN");
  await client.query("select 1/0").catch(() => {});

  const prepared = client.query("PREPARE TRANSACTION 'half'");

  await expect(prepared).rejects.toMatchObject({ code: "transaction/rolled-back-at-commit" });
  client.release();
});

test("a COMMIT among other statements that is answered by ROLLBACK is an error", async () => {
  const { pg } = world.guard();
  await using pool = disposable(new pg.Pool({ connectionString: world.bed.urls.pooled }));
  const client = await pool.connect();
  await client.query("BEGIN");
  await client.query("select 1/0").catch(() => {});

  const committed = client.query("COMMIT; select 1");

  await expect(committed).rejects.toMatchObject({ code: "transaction/rolled-back-at-commit" });
  client.release();
});

test("a caller who waits while the pool is ended is told so", async () => {
  const { pg } = world.guard({ connections: { acquireTimeoutMs: 300 } });
  const pool = new pg.Pool({ connectionString: world.bed.urls.pooled, max: 1 });
  const client = await pool.connect();
  const waiting = pool.connect();

  const ended = pool.end();

  await expect(waiting).rejects.toThrow("The pool was ended while this caller waited");
  client.release();
  await ended;
  await eventually(async () => expect(await world.clients()).toEqual([]));
});

function disposable<Pool extends { end(): Promise<void> }>(pool: Pool): Pool & AsyncDisposable {
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.bed.sql("create table booking (id int primary key)");
  await world.bed.sql("grant all on booking to public");
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

describe("a BEGIN that is sent with its first statement", () => {
  const policy = { transaction: { lazyBegin: true, idleTimeoutMs: 4_000 } } as const;

  test("opens nothing until there is one, and then has its modes and limits", async () => {
    const { pg } = world.guard(policy);
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    const begun = await client.query("START TRANSACTION");
    await client.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
    const openBefore = await world.openTransactions();
    const { rows } = await client.query(
      "select current_setting('transaction_isolation') as isolation, current_setting('idle_in_transaction_session_timeout') as idle, $1::int as one",
      [1],
    );

    expect(begun.command).toBe("BEGIN");
    expect(openBefore).toBe(0);
    expect(rows).toEqual([{ isolation: "serializable", idle: "5s", one: 1 }]);
    expect(await world.openTransactions()).toBe(1);
    expect((await client.query("COMMIT")).command).toBe("COMMIT");
    client.release();
    await pool.end();
  });

  test("is never sent where none comes, and a COMMIT or a release ends it here", async () => {
    const { pg, seen } = world.guard(policy);
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled, max: 1 });
    const client = await pool.connect();

    await client.query("BEGIN");
    const committed = await client.query("COMMIT");
    await client.query("BEGIN");
    const rolledBack = await client.query("ROLLBACK");
    await client.query("BEGIN");
    client.release();

    expect([committed.command, rolledBack.command]).toEqual(["COMMIT", "ROLLBACK"]);
    await pool.query("insert into booking values (1)");
    expect(await world.bed.sql("select id from booking where id = 1")).toHaveLength(1);
    expect(seen).toEqual([]);
    await pool.end();
  });

  test("holds for statements that nobody awaits, in their order, and for those of several at once", async () => {
    const { pg } = world.guard(policy);
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    const results = await Promise.all([
      client.query("BEGIN"),
      client.query("insert into booking values (2); insert into booking values (3)"),
      client.query("insert into booking values ($1)", [4]),
      client.query("ROLLBACK"),
      client.query("insert into booking values (5)"),
    ]);

    expect(results.flat().map(({ command }) => command)).toEqual([
      "BEGIN",
      "INSERT",
      "INSERT",
      "INSERT",
      "ROLLBACK",
      "INSERT",
    ]);
    const rows = await world.bed.sql("select id from booking where id in (2, 3, 4, 5)");
    expect(rows).toEqual([{ id: "5" }]);
    client.release();
    await pool.end();
  });

  test("lets a first statement that fails fail the transaction, and judges its COMMIT", async () => {
    const { pg } = world.guard(policy);
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    await client.query("BEGIN");
    await expect(client.query("select 1/0")).rejects.toMatchObject({ code: "22012" });
    await expect(client.query("insert into booking values (6)")).rejects.toMatchObject({
      code: "25P02",
    });
    await expect(client.query("COMMIT")).rejects.toMatchObject({
      code: "transaction/rolled-back-at-commit",
    });

    client.release();
    await pool.end();
    expect(await world.openTransactions()).toBe(0);
  });

  test("is off unless the policy asks for it", async () => {
    const { pg } = world.guard();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();

    await client.query("BEGIN");

    expect(await world.openTransactions()).toBe(1);
    await client.query("COMMIT");
    client.release();
    await pool.end();
  });
});

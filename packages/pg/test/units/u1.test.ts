import { afterAll, beforeAll, expect, test } from "vitest";
import { startWorld, type World } from "../world.ts";
import { transaction, unitOfWork, afterCommit } from "../../src/index.ts";
let world: World;
beforeAll(async () => { world = await startWorld(); await world.bed.sql("create table t (id int primary key, who text)"); await world.bed.sql("grant all on t to public"); }, 60000);
afterAll(() => world[Symbol.asyncDispose]());
test("basic", async () => {
  const { pg, seen } = world.guard();
  const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
  await transaction(async () => { await pool.query("insert into t values (1,'a')"); await pool.query("insert into t values ($1,$2)", [2, "b"]); });
  expect((await pool.query("select count(*)::int as n from t")).rows[0].n).toBe(2);
  await expect(transaction(async () => { await pool.query("insert into t values (3,'a')"); await pool.query("insert into t values (1,'a')"); })).rejects.toThrow(/duplicate/);
  expect((await pool.query("select count(*)::int as n from t")).rows[0].n).toBe(2);
  // ORM block inside
  await transaction(async () => {
    const c = await pool.connect();
    await c.query("BEGIN"); await c.query("insert into t values (10,'x')"); await c.query("ROLLBACK"); 
    await c.query("START TRANSACTION"); await c.query("insert into t values (11,'x')"); const r = await c.query("COMMIT"); expect(r.command).toBe("COMMIT"); c.release();
    await expect(transaction(async () => { await pool.query("insert into t values (12,'x')"); throw new Error("no") })).rejects.toThrow("no");
    await transaction({label: "in"}, async () => { await pool.query("insert into t values (13,'x')"); });
  });
  expect((await pool.query("select array_agg(id order by id) as n from t")).rows[0].n).toEqual([1,2,11,13]);
  // setLocal
  await unitOfWork({ setLocal: { "app.tenant": "it's \\ me", search_path: 'public, "X y"' } }, async () => {
    expect((await pool.query("select current_setting('app.tenant') as s, current_setting('search_path') as p")).rows[0]).toEqual({ s: "it's \\ me", p: 'public, "X y"' });
    expect((await pool.query("select current_setting('app.tenant') as s, $1::int as x", [3])).rows[0]).toEqual({ s: "it's \\ me", x: 3 });
    const c = await pool.connect();
    await c.query("BEGIN"); await c.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
    expect((await c.query("select current_setting('app.tenant') as s, current_setting('search_path') as p, current_setting('transaction_isolation') as i")).rows[0]).toEqual({ s: "it's \\ me", p: 'public, "X y"', i: "serializable" });
    await c.query("COMMIT"); c.release();
    await expect(pool.query("insert into t values (1,'a')")).rejects.toThrow(/duplicate/);
    await pool.query("insert into t values (20,'a')");
    await transaction(async () => { expect((await pool.query("select current_setting('app.tenant') as s")).rows[0].s).toBe("it's \\ me") });
  });
  expect((await pool.query("select current_setting('app.tenant', true) as s")).rows[0].s).toBe("");
  console.log(seen.map(v => v.rule + v.message));
  await pool.end();
});
test("unit: one connection", async () => {
  const { pg } = world.guard();
  const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
  let n = 0; pool.on("connect", () => n++);
  await unitOfWork(async () => { await Promise.all([1,2,3].map(() => pool.query("select 1"))); await pool.query("select 1"); });
  console.log("A"); expect(n).toBe(1);
  let after = 0;
  await transaction(async () => { await afterCommit(() => { after++; }); await pool.query("select 1"); expect(after).toBe(0); });
  console.log("B");expect(after).toBe(1);
  const order: string[] = [];
  // self-deadlock
  await expect(unitOfWork(async () => { const c = await pool.connect(); try { await c.query("BEGIN"); await pool.query("select 1"); } finally { c.release(); } })).rejects.toMatchObject({ code: "unit/stalled" });
  console.log("C");
  await expect(transaction(async () => { void pool.query("select pg_sleep(3)").catch(() => order.push("failed")); })).rejects.toMatchObject({ code: "unit/unawaited-work" });
  await pool.end();
  await expect.poll(() => order).toEqual(["failed"]);
});

import { isPolicyError } from "@doorpolicy/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { eventually, makeCursor, pause, rejection, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.bed.sql(
    `create table note (text text);
    create table slow_commit (id int);
    grant all on note, slow_commit to public;
    create function be_slow() returns trigger language plpgsql as $$ begin perform pg_sleep(1.3); return null; end $$;
    create constraint trigger slow after insert on slow_commit deferrable initially deferred
      for each row execute function be_slow()`,
    "app",
  );
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const ENDED = { code: "transaction/ended-by-policy" };

describe("a block in which no statement runs", () => {
  test("is rolled back when its limit is over, and the next statement says so in words", async () => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 200 } });
    const before = world.droppedServers();
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");
    await client.query("insert into note values ('idle')");

    await eventually(async () => expect(await world.openTransactions()).toBe(0));
    const error = await rejection(client.query("COMMIT"));

    expect(error).toMatchObject({
      ...ENDED,
      message: expect.stringMatching(
        /rolled back and its connection closed: no statement ran in it for 2\d\d ms, and the limit is 200 ms\. It was opened at .*block\.test\.ts/,
      ),
    });
    expect(await world.bed.sql("select * from note", "app")).toEqual([]);
    expect(seen).toMatchObject([{ rule: "transaction/idle", action: "rolled-back" }]);
    client.release();
    await pool.end();
    expect(world.droppedServers()).toBe(before);
  });

  test("gives its slot to the next caller though nobody released it", async () => {
    const { pg } = world.guard({
      connections: { maxPerProcess: 1 },
      transaction: { idleTimeoutMs: 100 },
    });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const client = await pool.connect();
    await client.query("BEGIN");

    const { rows } = await pool.query("select 1 as n");

    expect(rows).toEqual([{ n: 1 }]);
    client.release();
    client.release();
    await pool.end();
  });

  test("fails every later statement in every form of call", async () => {
    const { pg } = world.guard({ transaction: { idleTimeoutMs: 100 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    await new Promise((resolve) => client.once("end", resolve));

    const byPromise = await rejection(client.query("select 1"));
    const byCallback = await new Promise((resolve) => client.query("select 1", resolve));
    const byValuesCallback = await new Promise((resolve) =>
      client.query("select $1", [1], resolve),
    );
    const byQueryObject = await new Promise((resolve) =>
      client.query(new pg.Query("select 1", resolve)),
    );
    const byQueryEvent = await new Promise((resolve) => {
      client.query(new pg.Query("select 1")).on("error", resolve);
    });
    const cursor = client.query(makeCursor("select 1"));
    const byCursor = await rejection(cursor.read(1));
    const byRollback = await rejection(client.query("ROLLBACK"));

    for (const error of [
      byPromise,
      byCallback,
      byValuesCallback,
      byQueryObject,
      byQueryEvent,
      byCursor,
      byRollback,
    ]) {
      expect(error).toMatchObject(ENDED);
      expect(isPolicyError(error)).toBe(true);
    }
  });

  test("is left alone while a statement runs, however long it takes", async () => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 100 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");

    await client.query("select pg_sleep(0.4)");
    const { command } = await client.query("COMMIT");

    expect(command).toBe("COMMIT");
    expect(seen).toEqual([]);
    await client.end();
  });

  test("is ended in time after a statement that took longer than the limit", async () => {
    const { pg } = world.guard({ transaction: { idleTimeoutMs: 200 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    await client.query("select pg_sleep(0.5)");

    const answered = performance.now();
    await new Promise((resolve) => client.once("end", resolve));

    expect(performance.now() - answered).toBeLessThan(600);
    expect(await rejection(client.query("select 1"))).toMatchObject(ENDED);
  });

  test("counts from the last statement, not from the first", async () => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 250 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");

    for (let step = 0; step < 6; step++) {
      await client.query("select 1");
      await pause(80);
    }
    await client.query("COMMIT");

    expect(seen).toEqual([]);
    await client.end();
  });

  test("is watched after an error, too", async () => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 100 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    await rejection(client.query("select 1/0"));

    await eventually(() => expect(seen).toMatchObject([{ rule: "transaction/idle" }]));

    expect(await rejection(client.query("ROLLBACK"))).toMatchObject(ENDED);
  });

  test("is only reported in observe, once, and not looked at in bypass", async () => {
    const observe = world.guard({ mode: "observe", transaction: { idleTimeoutMs: 60 } });
    const bypass = world.guard({ mode: "bypass", transaction: { idleTimeoutMs: 60 } });
    const clients = await Promise.all(
      [observe, bypass].map(async ({ pg }) => {
        const client = new pg.Client(world.bed.urls.pooled);
        await client.connect();
        await client.query("BEGIN");
        return client;
      }),
    );

    await pause(200);
    for (const client of clients) await client.query("select 1");
    await pause(200);
    for (const client of clients) await client.query("COMMIT");

    expect(observe.seen).toMatchObject([
      { rule: "transaction/idle", action: "would-have", mode: "observe" },
    ]);
    expect(bypass.seen).toEqual([]);
    for (const client of clients) await client.end();
  });

  test("is only reported where a written exception covers its last statement", async () => {
    const { pg, seen } = world.guard({
      transaction: { idleTimeoutMs: 60 },
      allow: [{ rule: "transaction/idle", match: "nightly", reason: "the nightly report thinks" }],
    });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    await client.query("select 1 as nightly");

    await pause(200);
    await client.query("COMMIT");

    expect(seen).toMatchObject([
      { rule: "transaction/idle", action: "allowed", reason: "the nightly report thinks" },
    ]);
    expect(seen[0]?.message).toContain("Allowed: the nightly report thinks.");
    await client.end();
  });
});

describe("a block that is open for too long in all", () => {
  const transaction = { idleTimeoutMs: 600, timeoutMs: 1_150 };
  const connections = { acquireTimeoutMs: 100 };

  test("is ended between its statements", async () => {
    const { pg, seen } = world.guard({ transaction, connections });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");

    const error = await rejection(
      (async () => {
        for (let step = 0; step < 90; step++) {
          await client.query("select 1");
          await pause(25);
        }
      })(),
    );

    expect(error).toMatchObject({
      ...ENDED,
      message: expect.stringContaining("and the limit is 1150 ms"),
    });
    await eventually(() =>
      expect(seen).toMatchObject([{ rule: "transaction/timeout", action: "rolled-back" }]),
    );
    expect(await world.openTransactions()).toBe(0);
  });

  test("is ended by the answer of the statement that passed the limit, before the next one is sent", async () => {
    const { pg, seen } = world.guard({ transaction, connections });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");

    await client.query("select pg_sleep(1.3)");
    const error = await rejection(client.query("COMMIT"));

    expect(error).toMatchObject(ENDED);
    await eventually(() => expect(seen).toMatchObject([{ rule: "transaction/timeout" }]));
  });

  test("is ended before a COMMIT that was queued behind that statement", async () => {
    const { pg, seen } = world.guard({ transaction, connections });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();

    const all = ["BEGIN", "insert into note values ('late')", "select pg_sleep(1.3)", "COMMIT"];
    const results = await Promise.allSettled(all.map((text) => client.query(text)));

    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
    ]);
    expect(results[3]).toMatchObject({ reason: ENDED });
    await eventually(() => expect(seen).toMatchObject([{ rule: "transaction/timeout" }]));
    expect(await world.bed.sql("select * from note", "app")).toEqual([]);
  });

  test("is committed when the statement that passed the limit was its COMMIT", async () => {
    const { pg, seen } = world.guard({ transaction, connections });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    await client.query("BEGIN");
    await client.query("insert into slow_commit values (1)");

    const { command } = await client.query("COMMIT");

    expect(command).toBe("COMMIT");
    expect(await world.bed.sql("select * from slow_commit", "app")).toEqual([{ id: "1" }]);
    await client.end();
    expect(seen).toEqual([]);
  });
});

describe("BEGIN", () => {
  const transaction = {
    idleTimeoutMs: 2_000,
    timeoutMs: 20_000,
    statementTimeoutMs: 1_500,
    lockTimeoutMs: 700,
  };
  const SHOW = `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
    current_setting('idle_in_transaction_session_timeout') as idle`;
  const NONE = [{ statement: "0", lock: "0", idle: "0" }];

  test.each(["BEGIN", "start transaction read only;", "/* why */ begin -- now"])(
    "%s brings its limits, which are gone after the block",
    async (text) => {
      const { pg } = world.guard({ transaction });
      const client = new pg.Client(world.bed.urls.pooled);
      await client.connect();

      const began = await client.query(text);
      const inside = await client.query(SHOW);
      await client.query("COMMIT");
      const outside = await client.query(SHOW);

      expect(Array.isArray(began)).toBe(false);
      expect(began).toMatchObject({ rows: [], command: expect.stringMatching(/^(BEGIN|START)$/) });
      expect(inside.rows).toEqual([{ statement: "1500ms", lock: "700ms", idle: "3s" }]);
      expect(outside.rows).toEqual(NONE);
      await client.end();
    },
  );

  test("lets the isolation level be set next, as TypeORM and Prisma do", async () => {
    const { pg } = world.guard({ transaction });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();

    await client.query("BEGIN");
    await client.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
    const { rows } = await client.query("show transaction_isolation");

    expect(rows).toEqual([{ transaction_isolation: "serializable" }]);
    await client.query("COMMIT");
    await client.end();
  });

  test("gives the result of BEGIN alone in every form of call", async () => {
    const pooler = { kind: "pgbouncer", version: "1.24" } as const;
    const { pg } = world.guard({ transaction, targets: { main: { pooler } } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const forms = [
      () => client.query({ text: "BEGIN" }),
      () => client.query({ text: "BEGIN", values: [], rowMode: "array" }),
      () => client.query({ name: "begin", text: "BEGIN" }),
      () =>
        new Promise((resolve, reject) => {
          client.query("BEGIN", (error, result) => (error ? reject(error) : resolve(result)));
        }),
      () =>
        new Promise((resolve, reject) => {
          client.query("BEGIN", [], (error, result) => (error ? reject(error) : resolve(result)));
        }),
      () =>
        new Promise((resolve, reject) => {
          client.query(
            new pg.Query("BEGIN", (error, result) => (error ? reject(error) : resolve(result))),
          );
        }),
      () =>
        new Promise((resolve) => {
          client.query(new pg.Query("BEGIN")).on("end", resolve);
        }),
    ];
    for (const form of forms) {
      const result = await form();

      expect(result).toMatchObject({ command: "BEGIN", rows: [] });
      expect((await client.query(SHOW)).rows).toMatchObject([{ statement: "1500ms" }]);
      await client.query("ROLLBACK");
    }
    await client.end();
  });

  test.each(["observe", "bypass"] as const)("is sent as it is in %s", async (mode) => {
    const { pg } = world.guard({ mode, transaction });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();

    await client.query("BEGIN");
    const { rows } = await client.query(SHOW);

    expect(rows).toEqual(NONE);
    await client.query("COMMIT");
    await client.end();
  });

  test("inside a text of several statements is sent as it is, and the block is watched all the same", async () => {
    const { pg, seen } = world.guard({ transaction: { idleTimeoutMs: 100 } });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();

    const results = await client.query("BEGIN; select 1");

    expect(results).toHaveLength(2);
    await eventually(() => expect(seen).toMatchObject([{ rule: "transaction/idle" }]));
  });
});

async function commitAfterError(
  mode: "enforce" | "observe" | "bypass",
): Promise<{ outcome: unknown; rules: unknown[] }> {
  const { pg, seen } = world.guard({ mode });
  const client = new pg.Client(world.bed.urls.pooled);
  await client.connect();
  await client.query("BEGIN");
  await client.query("insert into note values ('lost')");
  await rejection(client.query("select 1/0"));
  const outcome = await client.query("COMMIT").catch((error: unknown) => error);
  await client.end();
  return { outcome, rules: seen.map(({ rule, action }) => [rule, action]) };
}

describe("COMMIT of a transaction that had failed", () => {
  test("is an error in enforce, since nothing is stored", async () => {
    const { outcome, rules } = await commitAfterError("enforce");

    expect(outcome).toMatchObject({ code: "transaction/rolled-back-at-commit" });
    expect(rules).toEqual([["transaction/rolled-back-at-commit", "refused"]]);
    expect(await world.bed.sql("select * from note", "app")).toEqual([]);
  });

  test("is reported in observe", async () => {
    const { outcome, rules } = await commitAfterError("observe");

    expect(outcome).toMatchObject({ command: "ROLLBACK" });
    expect(rules).toEqual([["transaction/rolled-back-at-commit", "would-have"]]);
  });

  test("is what it is in bypass", async () => {
    const { outcome, rules } = await commitAfterError("bypass");

    expect(outcome).toMatchObject({ command: "ROLLBACK" });
    expect(rules).toEqual([]);
  });

  test("is an error in the callback form and for a query object, and the connection can be used on", async () => {
    const { pg } = world.guard();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const forms = [
      () => new Promise((resolve) => client.query("end", (error) => resolve(error))),
      () =>
        new Promise((resolve) =>
          client.query(new pg.Query("commit", (error: unknown) => resolve(error))),
        ),
      () => new Promise((resolve) => client.query(new pg.Query("commit")).on("error", resolve)),
    ];
    for (const form of forms) {
      await client.query("BEGIN");
      await rejection(client.query("select 1/0"));

      const error = await form();

      expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit" });
      expect((await client.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    }
    await client.end();
  });
});

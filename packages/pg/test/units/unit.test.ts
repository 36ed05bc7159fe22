import { transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, makeCursor, pause, rejection } from "../world.ts";
import { type Actor, clear, gate, type Stage, startStage } from "./stage.ts";

let stage: Stage;
let actor: Actor;

beforeAll(async () => {
  stage = await startStage();
  actor = stage.actor({ units: { stallMs: 150, settleTimeoutMs: 150 } });
});
afterAll(async () => {
  await actor[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  actor.seen.length = 0;
  await clear(stage);
});

const insert = (id: number): Promise<unknown> =>
  actor.pool.query(`insert into t values (${id}, 'a')`);

describe("unitOfWork()", () => {
  test("uses one connection for everything, in the order in which it was asked", async () => {
    const { pool } = actor;
    const order: number[] = [];
    const opened: unknown[] = [];
    pool.on("connect", (client) => opened.push(client));

    await unitOfWork(async () => {
      await Promise.all(
        Array.from({ length: 10 }, (_, id) => insert(id).then(() => order.push(id))),
      );
      const client = await pool.connect();
      await client.query("select 1");
      client.release();
      await unitOfWork(() => insert(10));
      await transaction(() => insert(11));
    });

    expect(opened).toHaveLength(1);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(stage.sent().slice(0, 10)).toEqual(
      Array.from({ length: 10 }, (_, id) => `insert into t values (${id}, 'a')`),
    );
    await eventually(() => expect(pool.totalCount).toBe(0));
    expect(actor.seen).toEqual([]);
  });

  test("takes no connection when it needs none", async () => {
    const { pool } = actor;

    expect(await unitOfWork({ label: "nothing" }, () => 7)).toBe(7);

    expect(pool.totalCount).toBe(0);
  });

  test("opens no transaction: what was stored stays when its function rejects", async () => {
    await rejection(
      unitOfWork(async () => {
        await insert(1);
        throw new Error("no");
      }),
    );

    expect(await stage.stored()).toEqual([1]);
  });

  test("gives each of two units its own", async () => {
    const { pool } = actor;
    const pids = await Promise.all(
      [1, 2].map(() =>
        unitOfWork(async () => {
          const client = await pool.connect();
          await client.query("select pg_sleep(0.05)");
          client.release();
          return pool.totalCount;
        }),
      ),
    );

    expect(Math.max(...pids)).toBe(2);
  });

  test("fails who waits for a holder that sends nothing, naming him, and nobody else", async () => {
    const { pool } = actor;

    await unitOfWork({ label: "GET /invoices" }, async () => {
      const client = await pool.connect();
      const error = await rejection(pool.query("select 1"));
      client.release();

      expect(error).toMatchObject({ code: "unit/stalled" });
      expect(String(error)).toContain("GET /invoices");
      expect(String(error)).toContain("unit.test.ts");
      expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    });

    expect(actor.rules()).toEqual(["unit/stalled"]);
  });

  test("fails who waits for a cursor that nobody reads", async () => {
    const { pool } = actor;

    await unitOfWork(async () => {
      const client = await pool.connect();
      const cursor = client.query(makeCursor("select generate_series(1, 1000) as n"));
      await cursor.read(1);
      const error = await rejection(pool.query("select 1"));
      await cursor.close();
      client.release();

      expect(error).toMatchObject({ code: "unit/stalled" });
    });
    await transaction(async () => {
      const client = await pool.connect();
      const cursor = client.query(makeCursor("select generate_series(1, 1000) as n"));
      await cursor.read(1);
      const error = await rejection(pool.query("select 1"));
      await cursor.close();
      client.release();

      expect(error).toMatchObject({ code: "unit/stalled" });
    });
  });

  test("waits behind a statement however long it takes", async () => {
    const { pool } = actor;
    const begun = performance.now();

    const answers = await unitOfWork(() =>
      Promise.all([
        pool.query("select 1 as n from pg_sleep(0.5)"),
        pool.query("select 2 as n"),
        pool.query("select 3 as n"),
      ]),
    );

    expect(answers.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]]);
    expect(performance.now() - begun).toBeGreaterThan(450);
    expect(actor.seen).toEqual([]);
  });

  test("waits behind a holder who works with pauses", async () => {
    const { pool } = actor;

    await unitOfWork(async () => {
      const client = await pool.connect();
      const waiting = pool.query("select 1 as n");
      for (let round = 0; round < 5; round++) {
        await client.query("select 1");
        await pause(70);
      }
      client.release();
      expect((await waiting).rows).toEqual([{ n: 1 }]);
    });

    expect(actor.seen).toEqual([]);
  });

  test("goes on with another connection when its own was lost between two calls", async () => {
    const { pool } = actor;

    await unitOfWork(async () => {
      await insert(1);
      for (const connection of stage.wire.connections) connection.cut("rst");
      await eventually(() => expect(pool.totalCount).toBe(0));
      await insert(2);
    });

    expect(await stage.stored()).toEqual([1, 2]);
  });

  test("goes on when the connection was lost under a statement, which fails", async () => {
    const { pool } = actor;

    await unitOfWork(async () => {
      const running = rejection(pool.query("select pg_sleep(5)"));
      await pause(50);
      for (const connection of stage.wire.connections) connection.cut("rst");
      expect(await running).toBeInstanceOf(Error);
      await insert(2);
    });

    expect(await stage.stored()).toEqual([2]);
  });

  test("keeps its connection when a statement fails", async () => {
    const { pool } = actor;
    const opened: unknown[] = [];
    pool.on("connect", (client) => opened.push(client));

    await unitOfWork(async () => {
      await insert(1);
      expect(await rejection(insert(1))).toMatchObject({ code: "23505" });
      await insert(2);
    });

    expect(opened).toHaveLength(1);
  });

  test("refuses BEGIN through pool.query(), which nobody could end", async () => {
    const { pool } = actor;

    await unitOfWork(async () => {
      expect(await rejection(pool.query("BEGIN"))).toMatchObject({
        code: "transaction/no-raw-control",
      });
      await pool.query("begin; insert into t values (1, 'a'); commit");
    });

    expect(await stage.stored()).toEqual([1]);
    expect(actor.rules()).toEqual(["transaction/no-raw-control"]);
  });

  test("gives its connection back while it does nothing for long, and says nothing", async () => {
    await using own = stage.actor({
      connections: { heldIdleWarnMs: 50, heldIdleReclaimMs: 100 },
    });
    const { pool } = own;

    await unitOfWork(async () => {
      await pool.query("insert into t values (1, 'a')");
      expect(pool.totalCount).toBe(1);
      await eventually(() => expect(pool.totalCount).toBe(0));
      await pool.query("insert into t values (2, 'a')");
    });

    expect(await stage.stored()).toEqual([1, 2]);
    expect(own.seen).toEqual([]);
  });

  test("gives its connection back when its pool is ended in it", async () => {
    await using own = stage.actor({ connections: { heldIdleWarnMs: 0, heldIdleReclaimMs: 0 } });
    const { pool } = own;

    await unitOfWork(async () => {
      await pool.query("select 1");
      await pool.end();
    });

    expect(pool.totalCount).toBe(0);
  });

  test("serves whoever waits when its function has ended, and gives back then", async () => {
    const { pool } = actor;
    const work: Promise<unknown>[] = [];
    const over = gate();

    await unitOfWork(async () => {
      const client = await pool.connect();
      work.push(insert(1), insert(2));
      work.push(
        over.opened.then(async () => {
          await client.query("insert into t values (3, 'a')");
          client.release();
        }),
      );
    });
    over.open();
    await Promise.all(work);

    expect(await stage.stored()).toEqual([1, 2, 3]);
    await eventually(() => expect(pool.totalCount).toBe(0));
  });

  test("is told of a connection that does not come, and asks again for the next call", async () => {
    await using small = stage.actor({ connections: { maxPerProcess: 1, acquireTimeoutMs: 60 } });
    const held = await small.pool.connect();

    const [first, second] = await unitOfWork(async () => {
      const refused = await rejection(small.pool.query("select 1"));
      held.release();
      return [refused, await small.pool.query("select 2 as n")];
    });

    expect(first).toMatchObject({ code: "connection/acquire-timeout" });
    expect(second).toMatchObject({ rows: [{ n: 2 }] });
  });
});

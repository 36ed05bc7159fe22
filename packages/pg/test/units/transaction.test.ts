import { transaction } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, rejection } from "../world.ts";
import { type Actor, clear, type Stage, startStage } from "./stage.ts";

let stage: Stage;
let actor: Actor;

beforeAll(async () => {
  stage = await startStage();
  actor = stage.actor();
  await stage.world.bed.sql(
    "create table parent (id int primary key); create table child (id int references parent deferrable initially deferred); grant all on parent, child to public",
    "app",
  );
});
afterAll(async () => {
  await actor[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  actor.seen.length = 0;
  await clear(stage);
});

describe("transaction()", () => {
  test("sends nothing when no statement comes, and takes no connection", async () => {
    const { pool } = actor;

    expect(await transaction(() => 7)).toBe(7);
    await transaction(async () => {
      const client = await pool.connect();
      client.release();
    });

    expect(stage.sent()).toEqual([]);
  });

  test("begins with its first statement, in one message, and commits behind the last", async () => {
    const { pool } = actor;

    await transaction(async () => {
      await pool.query("insert into t values (1, 'a')");
      await pool.query("insert into t values ($1, $2)", [2, "b"]);
    });

    expect(await stage.stored()).toEqual([1, 2]);
    expect(stage.sent()).toEqual([
      "BEGIN · select set_config($1,$2,true) · insert into t values (1, 'a')",
      "insert into t values ($1, $2)",
      "COMMIT",
    ]);
    expect(actor.seen).toEqual([]);
  });

  test("sends modes, limits and settings with BEGIN", async () => {
    const { pool } = actor;
    const read =
      "select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as ro, current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle, current_setting('app.tenant') as tenant";

    const { rows } = await transaction(
      {
        isolation: "repeatable read",
        readOnly: true,
        statementTimeoutMs: 12_000,
        lockTimeoutMs: 300,
        idleTimeoutMs: 4_000,
        setLocal: { "app.tenant": 42 },
      },
      () => pool.query(read),
    );

    expect(rows).toEqual([
      {
        isolation: "repeatable read",
        ro: "on",
        statement: "12s",
        lock: "300ms",
        idle: "5s",
        tenant: "42",
      },
    ]);
    expect(stage.sent()[0]).toMatch(/^BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY · /u);
  });

  test("undoes a limit of the policy with 0, and leaves nothing of it to the next", async () => {
    await using limited = stage.actor({ transaction: { statementTimeoutMs: 7_000 } });
    const { pool } = limited;
    const read = "select current_setting('statement_timeout') as s";

    const none = await transaction({ statementTimeoutMs: 0 }, () => pool.query(read));
    const policys = await transaction(() => pool.query(read));

    expect(none.rows).toEqual([{ s: "0" }]);
    expect(policys.rows).toEqual([{ s: "7s" }]);
  });

  test("rolls back and rejects with what its function threw", async () => {
    const { pool } = actor;
    const reason = new Error("no");

    const error = await rejection(
      transaction(async () => {
        await pool.query("insert into t values (1, 'a')");
        throw reason;
      }),
    );

    expect(error).toBe(reason);
    expect(await stage.stored()).toEqual([]);
    expect(stage.sent().at(-1)).toBe("ROLLBACK");
  });

  test("is rolled back by an error in its first statement, whose position is its own", async () => {
    const { pool } = actor;

    const error = await rejection(transaction(() => pool.query("selec 1")));

    expect(error).toMatchObject({ code: "42601", position: "1" });
    expect(stage.sent().slice(1)).toEqual(["ROLLBACK"]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
  });

  test.each([
    ["a batched first statement", () => actor.pool.query("select 1")],
    ["a first statement with a name", () => actor.pool.query({ name: "one", text: "select 1" })],
  ])(
    "fails %s with the error of a setting, and is not taken for stored when that is swallowed",
    async (_, send) => {
      let swallowed: unknown;

      const error = await rejection(
        transaction({ setLocal: { DateStyle: "no such style" } }, async () => {
          swallowed = await rejection(send());
        }),
      );

      expect(swallowed).toMatchObject({ code: "22023" });
      expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit" });
      await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
      expect(actor.rules()).toEqual(["transaction/rolled-back-at-commit"]);
    },
  );

  test("rejects when COMMIT fails by a deferred constraint", async () => {
    const { pool } = actor;

    const error = await rejection(transaction(() => pool.query("insert into child values (1)")));

    expect(error).toMatchObject({ code: "23503" });
    expect(await stage.world.bed.sql("select 1 from child", "app")).toEqual([]);
    expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  });

  test("rejects when COMMIT is answered by ROLLBACK, because an error was swallowed", async () => {
    const { pool } = actor;

    const error = await rejection(
      transaction(async () => {
        await pool.query("insert into t values (1, 'a')");
        await rejection(pool.query("insert into t values (1, 'a')"));
      }),
    );

    expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit" });
    expect(await stage.stored()).toEqual([]);
  });

  test("awaits a lazy thenable inside", async () => {
    const { pool } = actor;
    const lazy = {
      // oxlint-disable-next-line unicorn/no-thenable -- what Prisma, Kysely, Drizzle and Knex return.
      then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) =>
        void pool
          .query("select pg_current_xact_id_if_assigned() is null as n")
          .then(resolve, reject),
    };

    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a thenable that is no promise.
    await transaction(() => lazy as unknown as PromiseLike<unknown>);

    expect(stage.sent().map((text) => text.split(" ")[0])).toEqual(["BEGIN", "COMMIT"]);
  });

  const invalid: readonly (readonly [string, readonly unknown[]])[] = [
    ["no function", [{}]],
    ["an unknown option", [{ isolate: "serializable" }, () => 1]],
    ["a level that is none", [{ isolation: "snapshot" }, () => 1]],
    ["a limit that is none", [{ timeoutMs: -1 }, () => 1]],
    ["a setting without a value", [{ setLocal: { "app.x": undefined } }, () => 1]],
    ["a setting's name with a quote", [{ setLocal: { "a'b": 1 } }, () => 1]],
    ["retry of none", [{ retry: 0 }, () => 1]],
    ["options that are null", [null, () => 1]],
  ];

  test.each(invalid)("rejects %s", async (_, given) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what types would refuse.
    const call = transaction as unknown as (...given: unknown[]) => Promise<unknown>;

    const error = await rejection(call(...given));

    expect(error).toMatchObject({ code: "unit/invalid" });
  });

  test("keeps the secret out of the message about a setting", async () => {
    const error = await rejection(
      transaction({ setLocal: { "app.key": "hush\0hush" } }, () => undefined),
    );

    expect(String(error)).not.toContain("hush");
  });

  test("keeps its connection to itself: another caller's statement is not in it", async () => {
    await using other = stage.actor();

    await transaction(async () => {
      await actor.pool.query("insert into t values (1, 'a')");
      expect(await stage.stored()).toEqual([]);
    });
    const { rows } = await other.pool.query("select count(*)::int as n from t");

    expect(rows).toEqual([{ n: 1 }]);
  });

  test("rejects with the pool's error when no connection comes, and tries again with the next statement", async () => {
    await using small = stage.actor({
      connections: { maxPerProcess: 1, acquireTimeoutMs: 100 },
    });
    const { pool } = small;
    const held = await pool.connect();

    const outcome = await transaction({ label: "POST /x" }, async () => {
      const first = await rejection(pool.query("insert into t values (1, 'a')"));
      held.release();
      await pool.query("insert into t values (2, 'b')");
      return first;
    });

    expect(outcome).toMatchObject({ code: "connection/acquire-timeout" });
    expect(String(outcome)).toContain("transaction.test.ts");
    expect(await stage.stored()).toEqual([2]);
  });

  test("names the label of whoever holds what in the error of a pool without room", async () => {
    await using small = stage.actor({
      connections: { maxPerProcess: 1, acquireTimeoutMs: 100 },
    });
    const { pool } = small;

    const outside = transaction({ label: "POST /slow" }, async () => {
      await pool.query("select pg_sleep(0.4)");
    });
    await eventually(() => expect(pool.totalCount).toBe(1));
    const refused = await rejection(pool.connect());
    await outside;

    expect(refused).toMatchObject({ code: "connection/acquire-timeout" });
    expect(String(refused)).toContain('in "POST /slow"');
  });

  test("runs its statements after pool.end() was called into the pool's own refusal, and is rolled back", async () => {
    await using own = stage.actor();
    const { pool } = own;
    let ended: Promise<void> | undefined;

    const error = await rejection(
      transaction(async () => {
        await pool.query("insert into t values (1, 'a')");
        ended = pool.end();
        await pool.query("insert into t values (2, 'a')");
      }),
    );
    await ended;

    expect(String(error)).toContain("Cannot use a pool after calling end");
    expect(await stage.stored()).toEqual([]);
  });
});

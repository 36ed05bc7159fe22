import { transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, makeCursor, rejection } from "../world.ts";
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

const TENANT = { setLocal: { "app.tenant": "7" } };
const READ = "select current_setting('app.tenant', true) as s";

describe("unitOfWork({ setLocal })", () => {
  test("sends each statement with its settings as one message, which is a transaction", async () => {
    await unitOfWork(TENANT, () => actor.pool.query("insert into t values (1, 'a')"));

    expect(stage.sent()).toEqual([
      "BEGIN · select set_config($1,$2,true) · insert into t values (1, 'a') · COMMIT",
    ]);
  });

  test("leaves nothing behind for the next on the same connection", async () => {
    await using one = stage.actor({ connections: { reuse: "pool", maxPerProcess: 1 } });

    await unitOfWork(TENANT, () => one.pool.query("select 1"));
    const { rows } = await one.pool.query(READ);

    expect(rows).toEqual([{ s: "" }]);
  });

  test.each(["enforce", "observe", "bypass"] as const)("holds in %s", async (mode) => {
    await using own = stage.actor({ mode });

    const answers = await unitOfWork(TENANT, async () => {
      const alone = await own.pool.query(READ);
      const client = await own.pool.connect();
      await client.query("BEGIN");
      const inBlock = await client.query(READ);
      await client.query("COMMIT");
      const behind = await client.query(READ);
      client.release();
      const inTransaction = await transaction(() => own.pool.query(READ));
      return [alone, inBlock, behind, inTransaction].map(({ rows }) => rows[0].s);
    });

    expect(answers).toEqual(["7", "7", "7", "7"]);
    expect(own.seen).toEqual([]);
  });

  test("adds the settings of an inner unit, for that one only", async () => {
    const read =
      "select current_setting('app.tenant', true) as a, current_setting('app.user', true) as b";

    await unitOfWork(TENANT, async () => {
      const inner = await unitOfWork({ setLocal: { "app.user": "x", "app.tenant": 8 } }, () =>
        actor.pool.query(read),
      );
      const outer = await actor.pool.query(read);
      expect(inner.rows).toEqual([{ a: "8", b: "x" }]);
      expect(outer.rows[0].a).toBe("7");
    });
  });

  test("refuses another value inside of a transaction(), where it would stay", async () => {
    await unitOfWork(TENANT, () =>
      transaction(async () => {
        await unitOfWork(TENANT, () => actor.pool.query("insert into t values (1, 'a')"));
        const error = await rejection(
          unitOfWork({ setLocal: { "app.tenant": "8" } }, () => actor.pool.query("select 1")),
        );
        expect(error).toMatchObject({ code: "unit/invalid" });
      }),
    );

    expect(await stage.stored()).toEqual([1]);
  });

  test("lets a unit in a unit in a transaction() join that", async () => {
    await rejection(
      transaction(() =>
        unitOfWork(() =>
          unitOfWork(async () => {
            await actor.pool.query("insert into t values (1, 'a')");
            throw new Error("no");
          }),
        ),
      ),
    );

    expect(await stage.stored()).toEqual([]);
  });

  test("carries settings with an ORM's BEGIN, and its isolation level can be set after that", async () => {
    await unitOfWork(TENANT, async () => {
      const client = await actor.pool.connect();
      await client.query("START TRANSACTION");
      await client.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
      const { rows } = await client.query(`${READ}, current_setting('transaction_isolation') as i`);
      await client.query("insert into t values (1, 'a')");
      await client.query("ROLLBACK");
      client.release();
      expect(rows).toEqual([{ s: "7", i: "serializable" }]);
    });

    expect(await stage.stored()).toEqual([]);
  });

  test.each([
    ["a text", () => actor.pool.query("insert into t values (1, 'a')")],
    ["values", () => actor.pool.query("insert into t values ($1, 'a')", [1])],
    [
      "a name",
      () => actor.pool.query({ name: "i", text: "insert into t values ($1, 'a')", values: [1] }),
    ],
    ["several", () => actor.pool.query("select 1; insert into t values (1, 'a')")],
    [
      "a cursor",
      async () => {
        const client = await actor.pool.connect();
        try {
          const cursor = client.query(makeCursor("insert into t values (1, 'a') returning id"));
          await cursor.read(1);
          await cursor.read(1);
          await cursor.close();
        } finally {
          client.release();
        }
      },
    ],
  ])("tells the error of a statement with %s, and leaves no block open", async (_, send) => {
    await unitOfWork(TENANT, async () => {
      await send();
      expect(await rejection(send())).toMatchObject({ code: "23505" });
      await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
      expect((await actor.pool.query(READ)).rows).toEqual([{ s: "7" }]);
    });

    expect(await stage.stored()).toEqual([1]);
    expect(actor.seen).toEqual([]);
  });

  test.each([
    ["a text", () => actor.pool.query("insert into child values (1)")],
    [
      "a name",
      () => actor.pool.query({ name: "c", text: "insert into child values ($1)", values: [1] }),
    ],
    ["several", () => actor.pool.query("insert into child values (1); select 1")],
  ])("tells what its own COMMIT was refused for: a statement with %s", async (_, send) => {
    const error = await unitOfWork(TENANT, () => rejection(send()));

    expect(error).toMatchObject({ code: "23503" });
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(actor.seen).toEqual([]);
  });

  test.each([
    ["a text", () => actor.pool.query("select 1")],
    ["a name", () => actor.pool.query({ name: "one", text: "select 1" })],
    [
      "BEGIN",
      async () => {
        const client = await actor.pool.connect();
        try {
          await client.query("BEGIN");
        } finally {
          client.release();
        }
      },
    ],
  ])("tells the error of a setting, and leaves no block open: %s", async (_, send) => {
    await unitOfWork({ setLocal: { DateStyle: "none such" } }, async () => {
      expect(await rejection(send())).toMatchObject({ code: "22023" });
    });

    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(actor.seen).toEqual([]);
  });

  test("refuses what cannot be in a transaction, which each statement here has", async () => {
    await unitOfWork(TENANT, async () => {
      expect(await rejection(actor.pool.query("VACUUM t"))).toMatchObject({
        code: "statements/needs-autocommit",
      });
      expect((await actor.pool.query(READ)).rows).toEqual([{ s: "7" }]);
    });
  });

  test.each([
    ["BEGIN; insert into t values (1, 'a'); COMMIT"],
    ["insert into t values (1, 'a'); COMMIT"],
    ["COMMIT; select 1"],
    ["/* x */ begin"],
  ])("refuses %s through pool.query(), which would leave the settings behind", async (text) => {
    await unitOfWork(TENANT, async () => {
      expect(await rejection(actor.pool.query(text))).toMatchObject({
        code: "transaction/no-raw-control",
      });
    });

    expect(await stage.stored()).toEqual([]);
  });

  test("refuses AND CHAIN in a block, and fails its COMMIT after an error in every mode", async () => {
    await using own = stage.actor({ mode: "bypass" });

    await unitOfWork(TENANT, async () => {
      const client = await own.pool.connect();
      await client.query("BEGIN");
      expect(await rejection(client.query("COMMIT AND CHAIN"))).toMatchObject({
        code: "transaction/no-raw-control",
      });
      await client.query("insert into t values (1, 'a')");
      await rejection(client.query("insert into t values (1, 'a')"));
      expect(await rejection(client.query("COMMIT"))).toMatchObject({
        code: "transaction/rolled-back-at-commit",
      });
      expect((await client.query(READ)).rows).toEqual([{ s: "7" }]);
      client.release();
    });

    expect(await stage.stored()).toEqual([]);
  });

  test("answers each caller once, and in order, also one whose callback throws", async () => {
    const order: string[] = [];
    const thrown: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => thrown.push(error));

    await unitOfWork(TENANT, async () => {
      const client = await actor.pool.connect();
      client.query("selec", () => {
        order.push("one");
        throw new Error("in a callback");
      });
      client.query("select 2", () => order.push("two"));
      await client.query("select 3").then(() => order.push("three"));
      client.release();
    });
    for (const listener of listeners) process.on("uncaughtException", listener);

    expect(order).toEqual(["one", "two", "three"]);
    expect(thrown).toMatchObject([{ message: "in a callback" }]);
  });
});

describe("values of setLocal", () => {
  const values = [
    "it's",
    "back\\slash",
    "'; drop table t; --",
    "\\'; select 1; --",
    "\\\\",
    'double "quotes"',
    "ünï\u{1F418}",
    "line\nbreak\ttab",
    "",
    " spaces ",
    "$1 $$ $tag$",
    "E'x'",
    "a, b",
  ];

  test.each(values)("%j arrives as it is, in a statement and in a block", async (value) => {
    const read = "select current_setting('app.v') as s";

    const answers = await unitOfWork({ setLocal: { "app.v": value } }, async () => {
      const alone = await actor.pool.query(read);
      const client = await actor.pool.connect();
      await client.query("BEGIN");
      const inBlock = await client.query(read);
      await client.query("COMMIT");
      client.release();
      return [alone.rows[0].s, inBlock.rows[0].s];
    });

    expect(answers).toEqual([value, value]);
  });

  test.each(["standard_conforming_strings", "Client_Encoding"])(
    "refuse %s, by which texts are read",
    async (name) => {
      const asked = unitOfWork({ setLocal: { [name]: "UTF8" } }, () => actor.pool.query(READ));

      await expect(asked).rejects.toMatchObject({ code: "unit/invalid" });
    },
  );

  test("take a name that every object has", async () => {
    const asked = unitOfWork({ setLocal: { constructor: "x" } }, () => actor.pool.query(READ));

    await expect(asked).rejects.toMatchObject({ code: "42704" });
  });

  test("arrive as they are where standard_conforming_strings is off", async () => {
    const value = "it's \\ 'x\\'";
    const read = "select current_setting('app.v') as s";
    await stage.world.bed.sql(
      "alter role current_user set standard_conforming_strings = off",
      "app",
    );
    await stage.world.bed.sql("alter database app set standard_conforming_strings = off", "app");
    await using own = stage.actor({}, { connectionString: stage.world.bed.urls.direct });

    const rows = await unitOfWork({ setLocal: { "app.v": value } }, async () => {
      const client = await own.pool.connect();
      const mode = await client.query("show standard_conforming_strings");
      await client.query("BEGIN");
      const inBlock = await client.query(read);
      await client.query("COMMIT");
      client.release();
      return [mode.rows[0].standard_conforming_strings, inBlock.rows[0].s];
    });
    await stage.world.bed.sql("alter role current_user reset standard_conforming_strings", "app");
    await stage.world.bed.sql("alter database app reset standard_conforming_strings", "app");

    expect(rows).toEqual(["off", value]);
  });

  test.each([
    "public",
    'public, "X y"',
    '"a""b", public',
    "Public, pg_catalog",
    '"$user", public',
    "",
    '"a,b"',
    " public , other ",
  ])("search_path %j means the same in a statement and in a block", async (value) => {
    const read =
      "select array_to_string(array(select quote_ident(lower(s)) from unnest(string_to_array(current_setting('search_path'), ',')) s), '|') as raw, current_schemas(false)::text as s";

    const [alone, inBlock] = await unitOfWork({ setLocal: { search_path: value } }, async () => {
      const one = await actor.pool.query(read);
      const client = await actor.pool.connect();
      await client.query("BEGIN");
      const two = await client.query(read);
      await client.query("COMMIT");
      client.release();
      return [one.rows[0].s, two.rows[0].s];
    });

    expect(inBlock).toBe(alone);
  });
});

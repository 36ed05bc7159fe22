import type { Policy } from "@doorpolicy/core";
import { transaction, unitOfWork, detached } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { makeCursor, rejection } from "../world.ts";
import { clear, type Stage, startStage } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});
beforeEach(() => clear(stage));

const POLICY: Policy = {
  targets: {
    main: {
      pooler: { kind: "pgbouncer", version: "1.24" },
      requireSetting: ["App.Tenant"],
    },
  },
};
const TENANT = { setLocal: { "app.tenant": "7" } };
const REFUSED = { code: "unit/required-setting" };

describe("a target that requires a setting", () => {
  test("takes a statement of a unit that sets it, and of a transaction that does", async () => {
    await using own = stage.actor(POLICY);

    await unitOfWork(TENANT, () => own.pool.query("insert into t values (1, 'a')"));
    await transaction(TENANT, () => own.pool.query("insert into t values (2, 'a')"));
    await unitOfWork(TENANT, () =>
      transaction(() => own.pool.query("insert into t values (3, 'a')")),
    );

    expect(await stage.stored()).toEqual([1, 2, 3]);
    expect(own.seen).toEqual([]);
  });

  test.each([
    ["outside of any unit", (run: () => unknown) => Promise.resolve(run())],
    ["in a unit without settings", (run: () => unknown) => unitOfWork(run)],
    [
      "in a unit with others",
      (run: () => unknown) => unitOfWork({ setLocal: { "app.user": "x" } }, run),
    ],
    [
      "in a unit that sets it to nothing",
      (run: () => unknown) => unitOfWork({ setLocal: { "app.tenant": "" } }, run),
    ],
    ["in a transaction() without", (run: () => unknown) => transaction(run)],
    [
      "detached from a unit that does",
      (run: () => unknown) => unitOfWork(TENANT, () => detached(run)),
    ],
  ])("sends nothing of a statement %s", async (_, within) => {
    await using own = stage.actor(POLICY);

    const single = await rejection(within(() => own.pool.query("insert into t values (1, 'a')")));
    const held = await rejection(
      within(async () => {
        const client = await own.pool.connect();
        try {
          return await client.query({ text: "select 'secret' from t", values: [] });
        } finally {
          client.release();
        }
      }),
    );

    expect(single).toMatchObject(REFUSED);
    expect(held).toMatchObject(REFUSED);
    expect(stage.sent()).toEqual([]);
    expect(own.rules()).toEqual(["unit/required-setting", "unit/required-setting"]);
    expect(own.seen[1]).toMatchObject({ action: "refused", statement: "select ? from t" });
    expect(JSON.stringify(own.seen)).not.toContain("secret");
  });

  test("refuses cursors, blocks of an ORM and clients without a pool alike", async () => {
    await using own = stage.actor(POLICY);
    const client = await own.pool.connect();
    const alone = new own.pg.Client({ connectionString: stage.world.bed.urls.pooled });
    await alone.connect();

    const cursor = client.query(makeCursor("select * from t"));
    const fromCursor = await rejection(cursor.read(1));
    await client.query("BEGIN");
    const inBlock = await rejection(client.query("select * from t"));
    await client.query("ROLLBACK");
    client.release();
    const fromAlone = await rejection(alone.query("select * from t"));
    await alone.end();

    expect([fromCursor, inBlock, fromAlone]).toMatchObject([REFUSED, REFUSED, REFUSED]);
  });

  test("refuses the first statement of a block that is begun lazily, and the block can end", async () => {
    await using own = stage.actor({ ...POLICY, transaction: { lazyBegin: true } });
    const client = await own.pool.connect();

    await client.query("BEGIN");
    const error = await rejection(client.query("insert into t values (1, 'a')"));
    await client.query("ROLLBACK");
    client.release();

    expect(error).toMatchObject(REFUSED);
    expect(stage.sent()).toEqual([]);
  });

  test("lets through what names no table, which an ORM asks when it starts", async () => {
    await using own = stage.actor(POLICY);

    await own.pool.query("SELECT version()");
    await own.pool.query("SELECT * FROM current_schema()");
    await own.pool.query("SHOW server_version");

    expect(own.seen).toEqual([]);
  });

  test("only reports it in observe, and leaves it alone in bypass", async () => {
    await using observing = stage.actor({ ...POLICY, mode: "observe" });
    await using bypassing = stage.actor({ ...POLICY, mode: "bypass" });

    await observing.pool.query("insert into t values (1, 'a')");
    await bypassing.pool.query("insert into t values (2, 'a')");

    expect(await stage.stored()).toEqual([1, 2]);
    expect(observing.seen).toMatchObject([{ rule: "unit/required-setting", action: "would-have" }]);
    expect(bypassing.seen).toEqual([]);
  });

  test("knows written exceptions", async () => {
    await using own = stage.actor({
      ...POLICY,
      allow: [{ rule: "unit/required-setting", match: "from t", reason: "a list for everybody" }],
    });

    await own.pool.query("select count(*) from t");
    const error = await rejection(own.pool.query("insert into t values (1, 'a')"));

    expect(error).toMatchObject(REFUSED);
    expect(own.seen[0]?.message).toContain("Allowed: a list for everybody");
  });

  test("leaves the direct lane to migrations", async () => {
    await using own = stage.actor(POLICY, {}, undefined, { lane: "direct" });

    await own.pool.query("select count(*) from t");

    expect(own.seen).toEqual([]);
  });
});

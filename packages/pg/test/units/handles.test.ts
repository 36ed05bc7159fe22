import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { transaction, unitOfWork } from "@doorpolicy/pg";
import type { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, pause, rejection } from "../world.ts";
import { clear, type Stage, startStage } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  setFlagsFromString("--expose-gc");
  stage = await startStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await clear(stage);
});

const collect: () => void = (() => {
  let gc: (() => void) | undefined;
  return () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the flag puts there.
    gc ??= runInNewContext("gc") as () => void;
    gc();
  };
})();

/** Takes a connection and forgets it: nothing of this frame refers to it afterwards. */
async function takeAndForget(pool: Pool): Promise<void> {
  const client = await pool.connect();
  await client.query("select 1");
}

describe("a connection that was forgotten", () => {
  test("is found and taken back", async () => {
    await using own = stage.actor({ connections: { maxPerProcess: 1, acquireTimeoutMs: 4_000 } });

    await takeAndForget(own.pool);
    await eventually(() => {
      collect();
      expect(own.rules()).toEqual(["connections/abandoned"]);
    });

    expect((await own.pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  });

  test.each([
    ["a unit", {}],
    ["a unit with settings", { setLocal: { "app.tenant": 1 } }],
  ])("in %s is found, so that the pool has it again", async (_, options) => {
    await using own = stage.actor({ connections: { maxPerProcess: 1, acquireTimeoutMs: 4_000 } });

    await unitOfWork(options, () => takeAndForget(own.pool));
    await eventually(() => {
      collect();
      expect(own.rules()).toEqual(["connections/abandoned"]);
    });

    expect((await own.pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  });

  test("in a transaction() is work that was not awaited", async () => {
    await using own = stage.actor({ units: { settleTimeoutMs: 30 } });

    const error = await rejection(transaction(() => takeAndForget(own.pool)));

    expect(error).toMatchObject({ code: "unit/unawaited-work" });
  });
});

describe("a handle", () => {
  test("takes its listeners with it, and leaves those of others", async () => {
    await using own = stage.actor({ connections: { reuse: "pool", maxPerProcess: 1 } });
    const heard: string[] = [];
    const one = await own.pool.connect();
    one.on("notice", () => heard.push("one"));
    one.release();
    const two = await own.pool.connect();
    two.on("notice", () => heard.push("two"));

    one.release();
    one.removeAllListeners("none such");
    await two.query("do $$ begin raise notice 'x'; end $$");
    expect(await rejection(one.query("select 1"))).toMatchObject({ code: "connection/released" });
    two.release();

    expect(heard).toEqual(["two"]);
  });

  test("of one caller in a transaction() hears notices until it is released", async () => {
    await using own = stage.actor();
    const heard: string[] = [];

    await transaction(async () => {
      const one = await own.pool.connect();
      const two = await own.pool.connect();
      one.on("notice", () => heard.push("one"));
      two.on("notice", () => heard.push("two"));
      one.release();
      await two.query("do $$ begin raise notice 'x'; end $$");
      two.release();
    });

    expect(heard).toEqual(["two"]);
  });
});

describe("a connection that is held and not used", () => {
  test("is warned of with whoever took it, and taken back later", async () => {
    await using own = stage.actor({
      connections: { heldIdleWarnMs: 40, heldIdleReclaimMs: 160, maxPerProcess: 1 },
    });
    const client = await own.pool.connect();

    await eventually(() => expect(own.rules()).toEqual(["connections/held-idle"]));
    expect(own.seen[0]?.openedBy).toContain("handles.test.ts");
    expect((await client.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    await eventually(() => expect(own.pool.totalCount).toBe(0));
    const late = await rejection(client.query("select 1"));
    client.release();

    expect(late).toMatchObject({ code: "connection/reclaimed" });
    expect((await own.pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  });

  test("is left alone while it works, and on the direct lane", async () => {
    const policy = { connections: { heldIdleWarnMs: 40, heldIdleReclaimMs: 80 } };
    await using pooled = stage.actor(policy);
    const direct = stage.world.guard(policy, undefined, { lane: "direct" });
    const listening = new direct.pg.Pool({ connectionString: stage.world.bed.urls.direct });
    const client = await pooled.pool.connect();
    const listener = await listening.connect();

    await client.query("select pg_sleep(0.3)");
    client.release();
    await listener.query("select 1");
    listener.release();
    await listening.end();

    expect([...pooled.seen, ...direct.seen]).toEqual([]);
  });

  test("in a unit is taken back from its holder, and the unit goes on with another", async () => {
    await using own = stage.actor({
      connections: { heldIdleWarnMs: 40, heldIdleReclaimMs: 80, maxPerProcess: 1 },
    });

    await unitOfWork(async () => {
      const client = await own.pool.connect();
      await client.query("select 1");
      await eventually(() =>
        expect(own.seen.map(({ action }) => action)).toEqual(["reported", "closed"]),
      );
      expect(await rejection(client.query("select 1"))).toMatchObject({
        code: "connection/reclaimed",
      });
      client.release();
      await own.pool.query("insert into t values (1, 'a')");
    });

    expect(await stage.stored()).toEqual([1]);
  });

  test("is only reported where the mode observes", async () => {
    await using own = stage.actor({
      mode: "observe",
      connections: { heldIdleWarnMs: 30, heldIdleReclaimMs: 60 },
    });
    const client = await own.pool.connect();

    await pause(200);
    expect((await client.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    client.release();

    expect(own.rules()).toEqual(["connections/held-idle"]);
  });
});

describe("transaction control through pool.query()", () => {
  test.each(["BEGIN", "/* x */ start transaction", "COMMIT", "ROLLBACK", "begin; select 1"])(
    "is refused where nobody could end it: %s",
    async (text) => {
      await using own = stage.actor();

      const error = await rejection(own.pool.query(text));

      expect(error).toMatchObject({ code: "transaction/no-raw-control" });
      expect(stage.sent()).toEqual([]);
    },
  );

  test("is let through and reported where the mode observes, and rolled back all the same", async () => {
    await using own = stage.actor({ mode: "observe" });

    await own.pool.query("BEGIN");

    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(own.rules()).toEqual(["transaction/no-raw-control", "transaction/left-open"]);
  });

  test("is fine as a whole script, and savepoints in it", async () => {
    await using own = stage.actor();

    await own.pool.query(
      "begin; insert into t values (1, 'a'); savepoint x; insert into t values (2, 'a'); rollback to x; commit",
    );

    expect(await stage.stored()).toEqual([1]);
    expect(own.seen).toEqual([]);
  });
});

describe("a pool without room", () => {
  test("lists everybody who holds a connection, with place and label", async () => {
    await using own = stage.actor({ connections: { maxPerProcess: 2, acquireTimeoutMs: 60 } });
    const client = await own.pool.connect();
    const over = unitOfWork({ label: "nightly" }, () => own.pool.query("select pg_sleep(0.4)"));
    await eventually(() => expect(own.pool.totalCount).toBe(2));

    const error = String(await rejection(own.pool.query("select 1")));
    client.release();
    await over;

    expect(error).toContain('in "nightly"');
    expect(error.match(/handles\.test\.ts/gu)?.length).toBeGreaterThanOrEqual(2);
  });
});

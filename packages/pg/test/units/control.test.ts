import { transaction } from "@doorpolicy/pg";
import type { PoolClient } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { rejection } from "../world.ts";
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

const insert = (id: number): string => `insert into t values (${id}, 'a')`;

async function withClient<Result>(run: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await actor.pool.connect();
  try {
    return await run(client);
  } finally {
    client.release();
  }
}

describe("an ORM's own block in transaction()", () => {
  test("is a savepoint: kept with COMMIT, undone with ROLLBACK, answered as the server would", async () => {
    const tags: string[] = [];

    await transaction(() =>
      withClient(async (client) => {
        for (const [id, end] of [
          [1, "COMMIT"],
          [2, "ROLLBACK"],
          [3, "END"],
          [4, "ABORT"],
          [5, "commit transaction;"],
          [6, "/* x */ rollback work -- y"],
        ] as const) {
          tags.push((await client.query("BEGIN")).command);
          await client.query(insert(id));
          tags.push((await client.query(end)).command);
        }
      }),
    );

    expect(await stage.stored()).toEqual([1, 3, 5]);
    expect(tags).toEqual(
      ["COMMIT", "ROLLBACK", "COMMIT", "ROLLBACK", "COMMIT", "ROLLBACK"].flatMap((tag) => [
        "BEGIN",
        tag,
      ]),
    );
    expect(stage.sent().filter((text) => text.startsWith("COMMIT"))).toEqual(["COMMIT"]);
    expect(actor.seen).toEqual([]);
  });

  test.each([
    "BEGIN",
    "begin work",
    "START TRANSACTION",
    "/* x */ BEGIN;",
    "-- x\nbegin transaction",
  ])("begins with %s", async (text) => {
    await transaction(() =>
      withClient(async (client) => {
        await client.query(text);
        await client.query(insert(1));
        await client.query("ROLLBACK");
        await client.query(insert(2));
      }),
    );

    expect(await stage.stored()).toEqual([2]);
  });

  test("takes its first statement's errors back with it, and the outer one goes on", async () => {
    await transaction(async () => {
      await actor.pool.query(insert(1));
      await withClient(async (client) => {
        await client.query("BEGIN");
        expect(await rejection(client.query(insert(1)))).toMatchObject({ code: "23505" });
        expect(await rejection(client.query(insert(2)))).toMatchObject({ code: "25P02" });
        await client.query("ROLLBACK");
      });
      await actor.pool.query(insert(3));
    });

    expect(await stage.stored()).toEqual([1, 3]);
  });

  test("fails its COMMIT when a statement of it had failed, and the outer one goes on", async () => {
    await transaction(async () => {
      await actor.pool.query(insert(1));
      await withClient(async (client) => {
        await client.query("BEGIN");
        await client.query(insert(2));
        await rejection(client.query(insert(2)));
        expect(await rejection(client.query("COMMIT"))).toMatchObject({
          code: "transaction/rolled-back-at-commit",
        });
      });
      await actor.pool.query(insert(3));
    });

    expect(await stage.stored()).toEqual([1, 3]);
  });

  test("is rolled back and reported when its connection is released with it open", async () => {
    await transaction(async () => {
      await withClient(async (client) => {
        await client.query("BEGIN");
        await client.query(insert(1));
      });
      await actor.pool.query(insert(2));
    });

    expect(await stage.stored()).toEqual([2]);
    expect(actor.rules()).toEqual(["transaction/left-open"]);
  });

  test("gets the server's warning for a second BEGIN, and one end ends it", async () => {
    await transaction(() =>
      withClient(async (client) => {
        const notices: (string | undefined)[] = [];
        client.on("notice", ({ code }) => notices.push(code));
        await client.query("BEGIN");
        await client.query("BEGIN");
        await client.query(insert(1));
        await client.query("ROLLBACK");
        expect(notices).toEqual(["25001"]);
        expect(await rejection(client.query("ROLLBACK"))).toMatchObject({
          code: "transaction/no-raw-control",
        });
        await client.query(insert(2));
      }),
    );

    expect(await stage.stored()).toEqual([2]);
  });

  test("keeps others out until it ends, and lets them in then", async () => {
    const order: string[] = [];
    const begun = gate();

    await transaction(async () => {
      const own = withClient(async (client) => {
        await client.query("BEGIN");
        begun.open();
        for (const id of [1, 2, 3]) await client.query(insert(id));
        order.push("end of the block");
        await client.query("ROLLBACK");
      });
      await begun.opened;
      await actor.pool.query(insert(4)).then(() => order.push("the other's statement"));
      await own;
    });

    expect(await stage.stored()).toEqual([4]);
    expect(order).toEqual(["end of the block", "the other's statement"]);
  });

  test("runs beside another one as one after the other", async () => {
    await transaction(() =>
      Promise.all(
        [1, 2, 3, 4].map((id) =>
          withClient(async (client) => {
            await client.query("BEGIN");
            await client.query(insert(id * 10));
            await client.query(insert(id * 10 + 1));
            await client.query(id % 2 === 0 ? "ROLLBACK" : "COMMIT");
          }),
        ),
      ),
    );

    expect(await stage.stored()).toEqual([10, 11, 30, 31]);
    expect(actor.seen).toEqual([]);
  });

  test("fails who waits for it in the same call, naming who has it", async () => {
    const error = await rejection(
      transaction({ label: "POST /invoices" }, () =>
        withClient(async (client) => {
          await client.query("BEGIN");
          await client.query(insert(1));
          await actor.pool.query(insert(2));
        }),
      ),
    );

    expect(error).toMatchObject({ code: "unit/stalled" });
    expect(String(error)).toContain("POST /invoices");
    expect(String(error)).toContain("control.test.ts");
    expect(await stage.stored()).toEqual([]);
  });

  test("keeps savepoints by hand apart: the same name on two connections", async () => {
    const name = "SAVEPOINT typeorm_1";

    await transaction(async () => {
      await Promise.all(
        [1, 2].map((id) =>
          withClient(async (client) => {
            await client.query("BEGIN");
            await client.query(insert(id * 10));
            await client.query(name);
            await client.query(insert(id * 10 + 1));
            await client.query("ROLLBACK TO SAVEPOINT typeorm_1");
            await client.query("RELEASE SAVEPOINT typeorm_1");
            await client.query("COMMIT");
          }),
        ),
      );
      await actor.pool.query("savepoint free");
      await actor.pool.query(insert(3));
      await actor.pool.query("rollback to savepoint free");
    });

    expect(await stage.stored()).toEqual([10, 20]);
    expect(actor.seen).toEqual([]);
  });
});

describe("transaction control in transaction()", () => {
  test.each([
    ["COMMIT", "client"],
    ["ROLLBACK", "client"],
    ["/* x */ commit", "client"],
    ["/* /* nested */ */ COMMIT;", "client"],
    ["-- x\nEND", "client"],
    ["abort", "client"],
    ["PREPARE TRANSACTION 'x'", "client"],
    ["COMMIT PREPARED 'x'", "client"],
    ["COMMIT AND CHAIN", "client"],
    ["insert into t values (9, 'x'); COMMIT", "client"],
    ["COMMIT; insert into t values (9, 'x')", "client"],
    ["COMMIT; BEGIN", "client"],
    ["BEGIN; insert into t values (9, 'x'); COMMIT", "client"],
    ["BEGIN", "pool"],
    ["START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "pool"],
    ["COMMIT", "pool"],
    ["ROLLBACK", "pool"],
    ["begin; select 1; commit", "pool"],
  ])("refuses %s on its %s, sends nothing of it, and goes on", async (text, on) => {
    await transaction(async () => {
      await actor.pool.query(insert(1));
      const refused = await rejection(
        on === "pool" ? actor.pool.query(text) : withClient((client) => client.query(text)),
      );
      expect(refused).toMatchObject({ code: "transaction/no-raw-control" });
      await actor.pool.query(insert(2));
    });

    expect(await stage.stored()).toEqual([1, 2]);
    expect(actor.rules()).toEqual(["transaction/no-raw-control"]);
  });

  test.each(["observe", "bypass"] as const)(
    "refuses it in %s as well: it is never sent",
    async (mode) => {
      await using own = stage.actor({ mode });

      await transaction(async () => {
        await own.pool.query(insert(1));
        expect(await rejection(own.pool.query("COMMIT"))).toMatchObject({
          code: "transaction/no-raw-control",
        });
      });

      expect(await stage.stored()).toEqual([1]);
    },
  );

  test.each([
    ["PREPARE TRANSACTION 'x'"],
    ["COMMIT AND CHAIN"],
    ["ROLLBACK AND CHAIN"],
    ["insert into t values (9, 'x'); COMMIT"],
  ])("refuses %s in an ORM's own block", async (text) => {
    await transaction(() =>
      withClient(async (client) => {
        await client.query("BEGIN");
        expect(await rejection(client.query(text))).toMatchObject({
          code: "transaction/no-raw-control",
        });
        await client.query(insert(1));
        await client.query("COMMIT");
      }),
    );

    expect(await stage.stored()).toEqual([1]);
  });

  test("fails when a procedure ends the transaction from within, where no text shows it", async () => {
    await stage.world.bed.sql(
      "create or replace procedure ends() language plpgsql as $$ begin commit; end $$",
      "app",
    );

    const error = await rejection(
      transaction(async () => {
        await actor.pool.query(insert(1));
        await actor.pool.query("call ends()");
      }),
    );

    expect(error).toMatchObject({ code: "2D000" });
    expect(await stage.stored()).toEqual([]);
  });

  test.each([
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL transaction_isolation = 'read committed'",
  ])("takes %s where it asks for no more than there is", async (text) => {
    await transaction(async () => {
      await actor.pool.query(insert(1));
      await withClient(async (client) => {
        await client.query(text);
        await client.query(insert(2));
        if (text.startsWith("BEGIN")) await client.query("COMMIT");
      });
    });

    expect(await stage.stored()).toEqual([1, 2]);
  });

  test.each([
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "set transaction read write, isolation level repeatable read",
    "BEGIN ISOLATION LEVEL SERIALIZABLE",
    "START TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ",
    "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE",
  ])("refuses %s, which a savepoint cannot give", async (text) => {
    const error = await rejection(
      transaction(async () => {
        await actor.pool.query(insert(1));
        await withClient((client) => client.query(text));
      }),
    );

    expect(error).toMatchObject({ code: "transaction/isolation-too-strong" });
    expect(await stage.stored()).toEqual([]);
  });

  test("takes a strong level of an inner block where the outer one is as strong", async () => {
    await transaction({ isolation: "serializable" }, () =>
      withClient(async (client) => {
        await client.query("BEGIN");
        await client.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        await client.query(insert(1));
        const { rows } = await client.query("show transaction_isolation");
        expect(rows).toEqual([{ transaction_isolation: "serializable" }]);
        await client.query("COMMIT");
      }),
    );

    expect(await stage.stored()).toEqual([1]);
  });

  test("refuses statements on a connection that was released, and a second release does nothing", async () => {
    await transaction(async () => {
      const client = await actor.pool.connect();
      await client.query(insert(1));
      client.release();
      client.release();
      expect(await rejection(client.query(insert(2)))).toMatchObject({
        code: "connection/released",
      });
    });

    expect(await stage.stored()).toEqual([1]);
  });
});

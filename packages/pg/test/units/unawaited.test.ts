import { afterCommit, detached, transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, makeCursor, pause, rejection } from "../world.ts";
import { type Actor, clear, gate, type Stage, startStage } from "./stage.ts";

let stage: Stage;
let actor: Actor;
let observing: Actor;

beforeAll(async () => {
  stage = await startStage();
  const units = { stallMs: 150, settleTimeoutMs: 100 };
  actor = stage.actor({ units });
  observing = stage.actor({ units, mode: "observe" });
});
afterAll(async () => {
  await actor[Symbol.asyncDispose]();
  await observing[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  actor.seen.length = 0;
  observing.seen.length = 0;
  await clear(stage);
});

const insert = (id: number, { pool }: Actor = actor): Promise<unknown> =>
  pool.query(`insert into t values (${id}, 'a')`);

describe("work that the function of a transaction() has not awaited", () => {
  test("is stored where it ends in time: a statement, a block, an inner one, a joined one", async () => {
    await using patient = stage.actor({ units: { settleTimeoutMs: 5_000 } });
    const work: Promise<unknown>[] = [];

    await transaction(() => {
      work.push(insert(1, patient));
      work.push(
        (async () => {
          const client = await patient.pool.connect();
          await client.query("BEGIN");
          await client.query("insert into t values (2, 'a')");
          await client.query("COMMIT");
          client.release();
        })(),
      );
      work.push(
        transaction(async () => {
          await pause(20);
          await insert(3, patient);
        }),
      );
      work.push(
        transaction({ propagation: "join" }, async () => {
          await pause(30);
          await insert(4, patient);
        }),
      );
    });

    await Promise.all(work);
    expect(await stage.stored()).toEqual([1, 2, 3, 4]);
    expect(patient.seen).toEqual([]);
  });

  test.each([
    ["a statement", () => actor.pool.query("select pg_sleep(5)")],
    [
      "a connection that is held",
      async () => {
        const client = await actor.pool.connect();
        await client.query("select 1");
        await pause(300);
        try {
          await client.query("insert into t values (2, 'a')");
        } finally {
          client.release();
        }
      },
    ],
    [
      "a block that is open",
      async () => {
        const client = await actor.pool.connect();
        try {
          await client.query("BEGIN");
          await client.query("insert into t values (2, 'a')");
          await pause(300);
          await client.query("COMMIT");
        } finally {
          client.release();
        }
      },
    ],
    [
      "an inner transaction()",
      () =>
        transaction(async () => {
          await insert(2);
          await pause(300);
          await insert(3);
        }),
    ],
    [
      "a joined transaction()",
      () =>
        transaction({ propagation: "join" }, async () => {
          await pause(300);
          await insert(3);
        }),
    ],
    [
      "a cursor that nobody reads",
      async () => {
        const client = await actor.pool.connect();
        const cursor = client.query(makeCursor("select generate_series(1, 1000)"));
        await cursor.read(1);
        await pause(300);
        await cursor.read(1);
        client.release();
      },
    ],
  ])("rolls everything back where it does not: %s", async (_, start) => {
    let late: Promise<unknown> | undefined;

    const error = await rejection(
      transaction({ label: "POST /x" }, async () => {
        await insert(1);
        late = start().then(
          () => "done",
          (failure: unknown) => failure,
        );
      }),
    );

    expect(error).toMatchObject({ code: "unit/unawaited-work" });
    expect(String(error)).toContain("POST /x");
    expect(String(error)).toContain("one call in it was still not done 100 ms later");
    expect(String(error)).toContain("unawaited.test.ts");
    expect(await late).toBeInstanceOf(Error);
    expect(await stage.stored()).toEqual([]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(actor.rules()[0]).toBe("unit/unawaited-work");
  });

  test("is told that it was rolled back when the server cannot be stopped", async () => {
    await using old = stage.actor({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.18" } } },
      units: { settleTimeoutMs: 30 },
    });
    let late: Promise<unknown> | undefined;

    await rejection(
      transaction(() => {
        late = rejection(old.pool.query("insert into t select 1, pg_sleep(0.4)::text"));
      }),
    );

    expect(await late).toMatchObject({ code: "transaction/ended" });
    expect(await stage.stored()).toEqual([]);
  });

  test("is rolled back at once when the function rejects, and the running statement is cancelled", async () => {
    const before = stage.world.droppedServers();
    const begun = performance.now();
    let late: Promise<unknown> | undefined;

    await rejection(
      transaction(async () => {
        await insert(1);
        late = rejection(actor.pool.query("select pg_sleep(10)"));
        await pause(30);
        throw new Error("no");
      }),
    );

    expect(await late).toBeInstanceOf(Error);
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(await stage.stored()).toEqual([]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(stage.world.droppedServers()).toBe(before);
  });

  test("answers every one of many, whichever was waiting", async () => {
    let late: Promise<PromiseSettledResult<unknown>[]> | undefined;

    await rejection(
      transaction(() => {
        late = Promise.allSettled(
          Array.from({ length: 20 }, (_, id) =>
            id === 3 ? actor.pool.query("select pg_sleep(5)") : insert(id),
          ),
        );
      }),
    );

    const outcomes = (await late) ?? [];
    expect(outcomes).toHaveLength(20);
    expect(outcomes.slice(3).every(({ status }) => status === "rejected")).toBe(true);
    expect(await stage.stored()).toEqual([]);
  });
});

describe("what comes after a transaction() has ended", () => {
  const shapes: readonly (readonly [string, (who: Actor) => Promise<unknown>])[] = [
    ["a statement", (who) => insert(2, who)],
    [
      "a connection",
      async ({ pool }) => {
        const client = await pool.connect();
        try {
          await client.query("insert into t values (2, 'a')");
        } finally {
          client.release();
        }
      },
    ],
    ["a transaction()", (who) => transaction(() => insert(2, who))],
    ["a unitOfWork()", (who) => unitOfWork(() => insert(2, who))],
    [
      "a unitOfWork() in a unitOfWork()",
      (who) => unitOfWork(() => unitOfWork(() => insert(2, who))),
    ],
  ];

  test.each(shapes)("is refused, naming detached(): %s", async (_, late) => {
    let outcome: Promise<unknown> | undefined;
    const over = gate();

    await transaction({ label: "POST /x" }, async () => {
      await insert(1);
      outcome = over.opened.then(() => rejection(late(actor)));
    });
    over.open();

    expect(await outcome).toMatchObject({ code: "transaction/ended" });
    expect(await stage.stored()).toEqual([1]);
    expect(actor.rules()).toEqual(["transaction/after-end"]);
  });

  test.each(shapes)(
    "is let through and reported where the mode only observes: %s",
    async (_, late) => {
      let outcome: Promise<unknown> | undefined;
      const over = gate();

      await transaction({ label: "POST /x" }, async () => {
        await insert(1, observing);
        outcome = over.opened.then(() => late(observing));
      });
      over.open();
      await outcome;

      expect(await stage.stored()).toEqual([1, 2]);
      expect(observing.rules().slice(0, 1)).toEqual(["transaction/after-end"]);
    },
  );

  test("is refused after a rollback as well, and in a unit of work that was in it", async () => {
    let outcome: Promise<unknown> | undefined;
    const over = gate();

    await rejection(
      transaction(() =>
        unitOfWork(() =>
          unitOfWork(async () => {
            await insert(1);
            outcome = over.opened.then(() => rejection(insert(2)));
            throw new Error("no");
          }),
        ),
      ),
    );
    over.open();

    expect(await outcome).toMatchObject({ code: "transaction/ended" });
    expect(await stage.stored()).toEqual([]);
  });

  test("is refused after an inner one, while the outer one runs", async () => {
    await transaction(async () => {
      const over = gate();
      let outcome: Promise<unknown> | undefined;
      await transaction(async () => {
        await insert(1);
        outcome = over.opened.then(() => rejection(insert(2)));
      });
      over.open();
      expect(await outcome).toMatchObject({ code: "transaction/ended" });
      await insert(3);
    });

    expect(await stage.stored()).toEqual([1, 3]);
  });

  test("keeps the settings of the unit around it where the mode only observes", async () => {
    let outcome: Promise<{ rows: unknown[] }> | undefined;
    const over = gate();

    const { rows } = await unitOfWork({ setLocal: { "app.tenant": 5 } }, async () => {
      await transaction(async () => {
        await insert(1, observing);
        outcome = over.opened.then(() =>
          observing.pool.query("select current_setting('app.tenant') as s"),
        );
      });
      over.open();
      if (outcome === undefined) throw new Error("It was not begun");
      return await outcome;
    });

    expect(rows).toEqual([{ s: "5" }]);
  });

  test("rejects afterCommit()", async () => {
    let outcome: Promise<unknown> | undefined;
    const over = gate();

    await transaction(async () => {
      await insert(1);
      outcome = over.opened.then(() => rejection(afterCommit(() => undefined)));
    });
    over.open();

    expect(await outcome).toMatchObject({ code: "transaction/ended" });
  });

  test("runs where it was detached, during it and afterwards", async () => {
    let outcome: Promise<unknown> | undefined;
    const over = gate();

    await rejection(
      transaction(async () => {
        await insert(1);
        await detached(() => insert(2));
        outcome = detached(async () => {
          await over.opened;
          await insert(3);
        });
        throw new Error("no");
      }),
    );
    over.open();
    await outcome;

    expect(await stage.stored()).toEqual([2, 3]);
    expect(actor.seen).toEqual([]);
  });
});

describe("what comes after a unitOfWork() has ended", () => {
  test("counts as outside, and is reported once", async () => {
    let outcome: Promise<unknown> | undefined;
    const over = gate();

    await unitOfWork({ label: "job", setLocal: { "app.tenant": 5 } }, async () => {
      await insert(1);
      outcome = over.opened.then(async () => {
        await insert(2);
        await insert(3);
        return await actor.pool.query("select current_setting('app.tenant', true) as s");
      });
    });
    over.open();

    expect(await outcome).toMatchObject({ rows: [{ s: expect.toBeOneOf([null, ""]) }] });
    expect(await stage.stored()).toEqual([1, 2, 3]);
    expect(actor.rules()).toEqual(["unit/late-work"]);
  });

  test("joins the transaction() that the unit was in, while that runs", async () => {
    await rejection(
      transaction(async () => {
        const over = gate();
        let outcome: Promise<unknown> | undefined;
        await unitOfWork(async () => {
          outcome = over.opened.then(() => insert(1));
        });
        over.open();
        await outcome;
        throw new Error("no");
      }),
    );

    expect(await stage.stored()).toEqual([]);
  });

  test("leaves a connection that somebody holds still to him, and then to the pool", async () => {
    await using own = stage.actor({ connections: { maxPerProcess: 1 } });
    const over = gate();
    let outcome: Promise<unknown> | undefined;

    await unitOfWork(async () => {
      const client = await own.pool.connect();
      outcome = over.opened.then(async () => {
        await client.query("insert into t values (1, 'a')");
        client.release();
      });
    });
    over.open();
    await outcome;
    await own.pool.query("insert into t values (2, 'a')");

    expect(await stage.stored()).toEqual([1, 2]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
  });
});

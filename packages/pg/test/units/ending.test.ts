import { afterCommit, transaction } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, pause, rejection } from "../world.ts";
import { type Actor, clear, gate, type Stage, startStage } from "./stage.ts";

let stage: Stage;
let actor: Actor;

beforeAll(async () => {
  stage = await startStage();
  actor = stage.actor({ units: { settleTimeoutMs: 400 } });
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

describe("signal", () => {
  const gone = new Error("client has gone");

  test("aborted before, sends nothing and does not call the function", async () => {
    let isCalled = false;

    const error = await rejection(
      transaction({ signal: AbortSignal.abort(gone) }, () => {
        isCalled = true;
      }),
    );

    expect(error).toBe(gone);
    expect(isCalled).toBe(false);
    expect(stage.sent()).toEqual([]);
  });

  test("cancels what runs, rolls back and rejects with its reason", async () => {
    const before = stage.world.droppedServers();
    const control = new AbortController();
    const begun = performance.now();
    let running: Promise<unknown> | undefined;
    let next: unknown;

    const work = rejection(
      transaction({ signal: control.signal }, async () => {
        await insert(1);
        running = rejection(actor.pool.query("select pg_sleep(10)"));
        await running;
        next = await rejection(insert(2));
      }),
    );
    await eventually(() => expect(running).toBeDefined());
    await pause(30);
    control.abort(gone);

    expect(await work).toBe(gone);
    expect(await running).toBeInstanceOf(Error);
    await eventually(() =>
      expect(next).toMatchObject({ code: "transaction/aborted", cause: gone }),
    );
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(await stage.stored()).toEqual([]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(stage.world.droppedServers()).toBe(before);
  });

  test("rejects while the function waits for something else", async () => {
    const control = new AbortController();

    const work = rejection(
      transaction({ signal: control.signal }, async () => {
        await insert(1);
        control.abort(gone);
        await new Promise(() => undefined);
      }),
    );

    expect(await work).toBe(gone);
    expect(await stage.stored()).toEqual([]);
  });

  test("aborted while what was not awaited is waited for, rolls back", async () => {
    const control = new AbortController();
    let late: Promise<unknown> | undefined;

    const error = await rejection(
      transaction({ signal: control.signal }, async () => {
        await insert(1);
        late = rejection(actor.pool.query("select pg_sleep(0.3)"));
        setTimeout(() => control.abort(gone), 50);
      }),
    );
    await late;

    expect(error).toBe(gone);
    expect(await stage.stored()).toEqual([]);
  });

  test("aborted behind the end changes nothing, and leaves no listener", async () => {
    const control = new AbortController();

    await transaction({ signal: control.signal }, () => insert(1));
    control.abort(gone);

    expect(await stage.stored()).toEqual([1]);
  });

  test("of an inner one rolls that one back, and the outer one goes on", async () => {
    const control = new AbortController();

    await transaction(async () => {
      await insert(1);
      const inner = rejection(
        transaction({ signal: control.signal }, async () => {
          await insert(2);
          await actor.pool.query("select pg_sleep(10)");
        }),
      );
      await pause(50);
      control.abort(gone);
      expect(await inner).toBe(gone);
      await insert(3);
    });

    expect(await stage.stored()).toEqual([1, 3]);
  });

  test("rejects while it waits for a connection, which goes to others then", async () => {
    await using small = stage.actor({ connections: { maxPerProcess: 1 } });
    const held = await small.pool.connect();
    const control = new AbortController();

    const work = rejection(
      transaction({ signal: control.signal }, () => small.pool.query("select 1")),
    );
    await pause(20);
    control.abort(gone);

    expect(await work).toBe(gone);
    held.release();
    expect((await small.pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  });
});

describe("retry", () => {
  const conflict = Object.assign(new Error("could not serialize access"), {
    code: "40001",
    severity: "ERROR",
  });

  test("runs both of two serializable transactions that cannot be in any order", async () => {
    await insert(1);
    await insert(2);
    const isRead = [gate(), gate()];
    const runs = [0, 0];
    const one = (index: 0 | 1): Promise<unknown> =>
      transaction({ isolation: "serializable", retry: 3 }, async () => {
        runs[index] = (runs[index] ?? 0) + 1;
        const { rows } = await actor.pool.query("select count(*)::int as n from t");
        isRead[index]?.open();
        await isRead[1 - index]?.opened;
        await actor.pool.query("insert into t values ($1, $2)", [10 + index, String(rows[0]?.n)]);
      });

    await Promise.all([one(0), one(1)]);

    expect(await stage.stored()).toEqual([1, 2, 10, 11]);
    expect(runs.toSorted((few, more) => few - more)).toEqual([1, 2]);
  });

  test("gives up after so many runs, and calls afterCommit of none of them", async () => {
    let runs = 0;
    let calls = 0;

    const error = await rejection(
      transaction({ retry: { attempts: 3, delayMs: 1 } }, async () => {
        runs += 1;
        await afterCommit(() => (calls += 1));
        throw conflict;
      }),
    );

    expect(error).toBe(conflict);
    expect([runs, calls]).toEqual([3, 0]);
  });

  test("is for the outermost only, and for no other error", async () => {
    let inner = 0;
    let outer = 0;

    await rejection(
      transaction(async () => {
        outer += 1;
        await transaction({ retry: 3 }, () => {
          inner += 1;
          return Promise.reject(conflict);
        });
      }),
    );
    await rejection(
      transaction({ retry: 3 }, () => {
        outer += 1;
        return Promise.reject(new Error("no"));
      }),
    );

    expect([inner, outer]).toEqual([1, 2]);
  });

  test("sees the conflict behind an ORM's error", async () => {
    let runs = 0;

    await rejection(
      transaction({ retry: { attempts: 2, delayMs: 0 } }, () => {
        runs += 1;
        return Promise.reject(new Error("QueryFailedError", { cause: conflict }));
      }),
    );

    expect(runs).toBe(2);
  });

  test("ends at once with the signal's reason while it waits for the next run", async () => {
    const control = new AbortController();
    const gone = new Error("gone");
    const begun = performance.now();
    setTimeout(() => control.abort(gone), 50);

    const error = await rejection(
      transaction({ retry: { attempts: 50, delayMs: 5_000 }, signal: control.signal }, () =>
        Promise.reject(conflict),
      ),
    );

    expect(error).toBe(gone);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});

describe("autosave", () => {
  test("lets a statement fail, and the transaction goes on", async () => {
    await transaction({ autosave: "statement" }, async () => {
      await insert(1);
      expect(await rejection(insert(1))).toMatchObject({ code: "23505" });
      expect(
        await rejection(actor.pool.query({ name: "n", text: "select 1 / $1::int", values: [0] })),
      ).toMatchObject({ code: "22012" });
      expect(await rejection(actor.pool.query("select 1; select 1 / 0"))).toMatchObject({
        code: "22012",
      });
      await insert(2);
    });

    expect(await stage.stored()).toEqual([1, 2]);
  });

  test("keeps what an inner one and an ORM's own block do", async () => {
    await transaction({ autosave: "statement" }, async () => {
      await transaction(async () => {
        await insert(1);
        await rejection(insert(1));
      });
      const client = await actor.pool.connect();
      await client.query("BEGIN");
      await client.query("insert into t values (2, 'a')");
      await rejection(client.query("insert into t values (2, 'a')"));
      await client.query("COMMIT");
      client.release();
    });

    expect(await stage.stored()).toEqual([1, 2]);
  });
});

describe("a second target", () => {
  test("is refused, or runs by itself where that was said", async () => {
    await using other = stage.actor({ targets: { main: {}, reports: {} } }, {}, undefined, {
      target: "reports",
    });
    const insertThere = (id: number): Promise<unknown> =>
      other.pool.query(`insert into t values (${id}, 'a')`);

    await transaction(async () => {
      await insert(1);
      expect(await rejection(insertThere(2))).toMatchObject({ code: "transaction/second-target" });
    });
    await rejection(
      transaction({ otherTargets: "independent" }, async () => {
        await insert(3);
        await insertThere(4);
        throw new Error("no");
      }),
    );
    const named = await rejection(transaction({ target: "reports" }, () => insert(5)));
    await transaction({ target: "reports" }, () => insertThere(6));

    expect(named).toMatchObject({ code: "transaction/second-target" });
    expect(await stage.stored()).toEqual([1, 4, 6]);
  });
});

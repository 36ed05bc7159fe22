import { afterCommit, transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { pause, rejection } from "../world.ts";
import { type Actor, clear, gate, type Stage, startStage } from "./stage.ts";

const NEW = { propagation: "new", lockTimeoutMs: 200 } as const;

let stage: Stage;
let actor: Actor;

beforeAll(async () => {
  stage = await startStage();
  actor = stage.actor({ units: { stallMs: 300, settleTimeoutMs: 300 } });
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

describe("transaction() in transaction()", () => {
  test("is a savepoint, opened with its first statement in one message", async () => {
    await transaction(async () => {
      await transaction(() => insert(1));
      await transaction(() => undefined);
    });

    expect(await stage.stored()).toEqual([1]);
    expect(stage.sent()).toEqual([
      "BEGIN · select set_config($1,$2,true) · SAVEPOINT doorpolicy_1 · insert into t values (1, 'a')",
      "RELEASE SAVEPOINT doorpolicy_1",
      "COMMIT",
    ]);
  });

  test("can fail and be caught, at any depth", async () => {
    await transaction(async () => {
      await insert(1);
      await rejection(
        transaction(async () => {
          await insert(2);
          await transaction(() => insert(3));
          await rejection(transaction(() => insert(3)));
          await insert(4);
          throw new Error("no");
        }),
      );
      await insert(5);
    });

    expect(await stage.stored()).toEqual([1, 5]);
    expect(actor.seen).toEqual([]);
  });

  test("rejects when an error in it was swallowed, and the outer one goes on", async () => {
    await transaction(async () => {
      await insert(1);
      const error = await rejection(
        transaction(async () => {
          await insert(2);
          await rejection(insert(2));
        }),
      );
      expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit" });
      await insert(3);
    });

    expect(await stage.stored()).toEqual([1, 3]);
  });

  test("runs beside others as one after the other, and one that fails takes none with it", async () => {
    await transaction(() =>
      Promise.allSettled(
        [1, 2, 3, 4, 5].map((id) =>
          transaction(async () => {
            await insert(id * 10);
            await insert(id * 10 + 1);
            if (id % 2 === 0) throw new Error("no");
          }),
        ),
      ),
    );

    expect(await stage.stored()).toEqual([10, 11, 30, 31, 50, 51]);
    expect(actor.seen).toEqual([]);
  });

  test("leaves a statement of the outer one alone when it fails beside it", async () => {
    const slow = await transaction(async () => {
      const running = actor.pool.query("select 'slept' as s from pg_sleep(0.3)");
      await rejection(transaction(() => Promise.reject(new Error("no"))));
      return await running;
    });

    expect(slow.rows).toEqual([{ s: "slept" }]);
  });

  test("fails a sibling that waits for one that does nothing", async () => {
    const over = gate();

    await transaction(async () => {
      const idle = transaction(async () => {
        await insert(1);
        await over.opened;
      });
      await pause(20);
      const error = await rejection(transaction({ label: "second" }, () => insert(2)));
      expect(error).toMatchObject({ code: "unit/stalled" });
      over.open();
      await idle;
    });

    expect(await stage.stored()).toEqual([1]);
  });

  test.each([
    ["a stronger level", { isolation: "serializable" }, "transaction/isolation-too-strong"],
    ["another value of a setting", { setLocal: { "app.tenant": 2 } }, "unit/invalid"],
    ["a setting that the outer one has not", { setLocal: { "app.other": 1 } }, "unit/invalid"],
    ["another target", { target: "reports" }, "transaction/second-target"],
  ] as const)("refuses %s, as a savepoint and joined", async (_, options, code) => {
    await transaction({ setLocal: { "app.tenant": 1 } }, async () => {
      await insert(1);
      for (const propagation of ["savepoint", "join"] as const) {
        const error = await rejection(transaction({ ...options, propagation }, () => insert(2)));
        expect(error).toMatchObject({ code });
      }
    });

    expect(await stage.stored()).toEqual([1]);
  });

  test("takes what the outer one has: the same setting, a weaker level", async () => {
    const options = { isolation: "serializable", setLocal: { "app.tenant": "1" } } as const;

    await transaction(options, () =>
      transaction({ ...options, setLocal: { "app.tenant": 1 } }, () =>
        transaction({ isolation: "read committed" }, () => insert(1)),
      ),
    );

    expect(await stage.stored()).toEqual([1]);
  });

  test("ends when the outer one has been rolled back meanwhile", async () => {
    let inner: Promise<unknown> | undefined;
    const outerIsOver = gate();

    await rejection(
      transaction(async () => {
        inner = rejection(
          transaction(async () => {
            await insert(1);
            await outerIsOver.opened;
          }),
        );
        await pause(30);
        throw new Error("no");
      }),
    );
    outerIsOver.open();

    expect(await inner).toMatchObject({ code: "transaction/ended" });
    expect(await stage.stored()).toEqual([]);
  });
});

describe('propagation: "join"', () => {
  test("is a part of the outer one: no savepoint", async () => {
    await transaction(async () => {
      await transaction({ propagation: "join" }, () => insert(1));
    });

    expect(await stage.stored()).toEqual([1]);
    expect(stage.sent().join()).not.toContain("SAVEPOINT");
  });

  test("dooms the outer one when it fails, caught or not", async () => {
    const reason = new Error("no");

    const error = await rejection(
      transaction(async () => {
        await insert(1);
        await rejection(transaction({ propagation: "join" }, () => Promise.reject(reason)));
        await insert(2);
      }),
    );

    expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit", cause: reason });
    expect(await stage.stored()).toEqual([]);
  });

  test("dooms only the inner one that it has joined", async () => {
    await transaction(async () => {
      await insert(1);
      const error = await rejection(
        transaction(async () => {
          await insert(2);
          await rejection(
            transaction({ propagation: "join" }, () => Promise.reject(new Error("no"))),
          );
        }),
      );
      expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit" });
    });

    expect(await stage.stored()).toEqual([1]);
  });

  test("begins one where there is none", async () => {
    await transaction({ propagation: "join" }, () => insert(1));

    expect(await stage.stored()).toEqual([1]);
  });
});

describe('propagation: "new"', () => {
  test("stores its own, whatever becomes of the outer one", async () => {
    await rejection(
      transaction(async () => {
        await insert(1);
        await transaction(NEW, () => insert(2));
        throw new Error("no");
      }),
    );

    expect(await stage.stored()).toEqual([2]);
  });

  test("is of the same tenant as the outer one, and of the unit around it", async () => {
    const inTransaction = await transaction({ setLocal: { "app.tenant": "7" } }, async () => {
      await insert(1);
      return await tenantInNew();
    });
    const inUnit = await unitOfWork({ setLocal: { "app.tenant": "8" } }, () =>
      transaction(async () => {
        await insert(2);
        return await tenantInNew();
      }),
    );

    expect([inTransaction.rows, inUnit.rows]).toEqual([[{ s: "7" }], [{ s: "8" }]]);
  });

  test("is refused without a lock limit, and where no second connection is free", async () => {
    await using small = stage.actor({ connections: { maxPerProcess: 1 } });

    await transaction(async () => {
      await small.pool.query("insert into t values (1, 'a')");
      const noLimit = await rejection(
        transaction({ propagation: "new", lockTimeoutMs: 0 }, () => small.pool.query("select 1")),
      );
      const noRoom = await rejection(transaction(NEW, () => small.pool.query("select 1")));
      expect(noLimit).toMatchObject({ code: "unit/invalid" });
      expect(noRoom).toMatchObject({ code: "transaction/no-second-connection" });
    });

    expect(await stage.stored()).toEqual([1]);
  });

  test("gives up a row that the outer one has locked", async () => {
    const error = await rejection(
      transaction(async () => {
        await insert(1);
        await transaction(NEW, () => insert(1));
      }),
    );

    expect(error).toMatchObject({ code: "55P03" });
    expect(await stage.stored()).toEqual([]);
  });
});

describe("afterCommit()", () => {
  test("calls in order after the outer COMMIT, and not for an inner one that was rolled back", async () => {
    const calls: string[] = [];

    await transaction(async () => {
      await afterCommit(() => void calls.push("first"));
      await transaction(async () => {
        await insert(1);
        await afterCommit(async () => {
          await pause(5);
          calls.push("inner");
        });
      });
      await rejection(
        transaction(async () => {
          await afterCommit(() => void calls.push("never"));
          throw new Error("no");
        }),
      );
      await afterCommit(async () => calls.push(`last, of ${(await stage.stored()).length}`));
      expect(calls).toEqual([]);
    });

    expect(calls).toEqual(["first", "inner", "last, of 1"]);
  });

  test("calls nothing when the outer one is rolled back", async () => {
    const calls: string[] = [];

    await rejection(
      transaction(async () => {
        await transaction(async () => {
          await insert(1);
          await afterCommit(() => void calls.push("inner"));
        });
        throw new Error("no");
      }),
    );

    expect(calls).toEqual([]);
  });

  test("reports what fails, and the others are called; the transaction is stored", async () => {
    const calls: string[] = [];

    await transaction(async () => {
      await insert(1);
      await afterCommit(() => Promise.reject(new Error("mail server is down")));
      await afterCommit(() => void calls.push("second"));
    });

    expect(await stage.stored()).toEqual([1]);
    expect(calls).toEqual(["second"]);
    expect(actor.rules()).toEqual(["unit/after-commit-failed"]);
  });

  test("runs outside: its statements are stored by themselves", async () => {
    await transaction(async () => {
      await insert(1);
      await afterCommit(() => insert(2));
    });

    expect(await stage.stored()).toEqual([1, 2]);
    expect(actor.seen).toEqual([]);
  });

  test("calls at once outside of any transaction, also in a unit", async () => {
    const calls: string[] = [];

    await afterCommit(() => void calls.push("outside"));
    await unitOfWork(async () => {
      await afterCommit(() => void calls.push("unit"));
      expect(calls).toEqual(["outside", "unit"]);
    });
  });
});

/** The tenant in a transaction beside the caller's. */
function tenantInNew(): Promise<{ rows: unknown[] }> {
  return transaction(NEW, () =>
    actor.pool.query("select current_setting('app.tenant', true) as s"),
  );
}

import { afterCommit, transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { rejection } from "../world.ts";
import { type Actor, clear, type Stage, startStage } from "./stage.ts";

let stage: Stage;
let actor: Actor;

beforeAll(async () => {
  stage = await startStage();
  actor = stage.actor();
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

describe("a transaction() whose connection is lost", () => {
  test("under its first statement, is rolled back for certain and says so", async () => {
    using rule = stage.wire.when({ direction: "client", message: "Sync", nth: 1 }, "cut");

    const error = await rejection(transaction(() => insert(1)));

    expect(rule.count).toBe(1);
    expect(error).not.toMatchObject({ code: "transaction/outcome-unknown" });
    expect(await stage.stored()).toEqual([]);
    expect(actor.seen).toEqual([]);
  });

  test("between two statements, refuses the next, and is rolled back though its error was swallowed", async () => {
    let next: unknown;

    const error = await rejection(
      transaction(async () => {
        await insert(1);
        for (const connection of stage.wire.connections) connection.cut("rst");
        next = await rejection(insert(2));
        await rejection(insert(3));
      }),
    );

    expect(next).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(Error);
    expect(await stage.stored()).toEqual([]);
    expect((await actor.pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  });

  test("before its COMMIT could be answered, has an unknown outcome, and calls nobody", async () => {
    using rule = stage.wire.when(
      { direction: "server", message: "CommandComplete", match: ({ tag }) => tag === "COMMIT" },
      "cut",
    );
    let calls = 0;

    const error = await rejection(
      transaction(async () => {
        await insert(1);
        await afterCommit(() => (calls += 1));
      }),
    );

    expect(rule.count).toBe(1);
    expect(error).toMatchObject({ code: "transaction/outcome-unknown" });
    expect(calls).toBe(0);
    expect(await stage.stored()).toEqual([1]);
    expect(actor.rules()).toEqual(["transaction/outcome-unknown"]);
  });

  test("is not run again by retry where its outcome is unknown", async () => {
    using rule = stage.wire.when(
      { direction: "server", message: "CommandComplete", match: ({ tag }) => tag === "COMMIT" },
      "cut",
    );
    let runs = 0;

    await rejection(
      transaction({ retry: 5 }, async () => {
        runs += 1;
        await insert(1);
      }),
    );

    expect(rule.count).toBe(1);
    expect(runs).toBe(1);
  });

  test("fails an inner one, which cannot be caught and gone on from", async () => {
    const error = await rejection(
      transaction(async () => {
        await insert(1);
        await rejection(
          transaction(async () => {
            await insert(2);
            for (const connection of stage.wire.connections) connection.cut("fin");
            await insert(3);
          }),
        );
      }),
    );

    expect(error).toBeInstanceOf(Error);
    expect(await stage.stored()).toEqual([]);
  });

  test("by pg_terminate_backend, rejects with that", async () => {
    const error = await rejection(
      transaction(async () => {
        await insert(1);
        await stage.world.bed.sql(
          "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'",
        );
        await insert(2);
      }),
    );

    expect(error).toBeInstanceOf(Error);
    expect(await stage.stored()).toEqual([]);
  });
});

describe("a statement of a unit with settings whose connection is lost", () => {
  test.each([
    ["with its COMMIT in one message", () => insert(1)],
    [
      "with its COMMIT behind it",
      () => actor.pool.query({ name: "i", text: "insert into t values ($1, 'a')", values: [1] }),
    ],
  ])("has an unknown outcome %s", async (_, send) => {
    using rule = stage.wire.when(
      { direction: "server", message: "CommandComplete", match: ({ tag }) => tag === "COMMIT" },
      "cut",
    );

    const error = await unitOfWork({ setLocal: { "app.tenant": 1 } }, () => rejection(send()));

    expect(rule.count).toBe(1);
    expect(error).toMatchObject({ code: expect.stringMatching(/outcome-unknown$/u) });
    expect(await stage.stored()).toEqual([1]);
  });
});

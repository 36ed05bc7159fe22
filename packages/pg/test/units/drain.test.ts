import { drain, transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { sharedState } from "../../src/registry.ts";
import { eventually, pause, rejection } from "../world.ts";
import { clear, gate, type Stage, startStage } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});
beforeEach(() => clear(stage));
afterEach(() => {
  // A process drains once; this one goes on.
  delete sharedState().isDraining;
  delete sharedState().isDrained;
});

describe("drain()", () => {
  test("lets what runs end, refuses what is new, and ends every pool", async () => {
    await using own = stage.actor();
    const begun = gate();
    const running = transaction(async () => {
      await own.pool.query("insert into t values (1, 'a')");
      begun.open();
      await pause(80);
      await transaction(() => own.pool.query("insert into t values (2, 'a')"));
      await unitOfWork(() => own.pool.query("insert into t values (3, 'a')"));
    });
    await begun.opened;

    const drained = drain(5_000);
    const refused = await Promise.all([
      rejection(transaction(() => 1)),
      rejection(unitOfWork(() => 1)),
    ]);
    await running;

    expect(await drained).toEqual({ isComplete: true, cut: 0 });
    for (const error of refused) expect(error).toMatchObject({ code: "unit/draining" });
    expect(await stage.stored()).toEqual([1, 2, 3]);
    expect(own.pool.ended).toBe(true);
    expect(own.seen).toEqual([]);
  });

  test("rolls back what runs at the deadline, and closes its connection in order", async () => {
    await using own = stage.actor();
    const before = stage.world.droppedServers();
    const begun = gate();
    const waiting = rejection(
      transaction(async () => {
        await own.pool.query("insert into t values (1, 'a')");
        begun.open();
        await pause(500);
        await own.pool.query("insert into t values (2, 'a')");
      }),
    );
    const busy = rejection(
      unitOfWork(async () => {
        await begun.opened;
        await own.pool.query("select pg_sleep(10)");
      }),
    );
    await begun.opened;
    await pause(30);

    const outcome = await drain(60);

    expect(outcome).toEqual({ isComplete: false, cut: 2 });
    expect(await stage.stored()).toEqual([]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(await waiting).toBeInstanceOf(Error);
    expect(await busy).toBeInstanceOf(Error);
    expect(stage.world.droppedServers()).toBe(before);
  });

  test("rejects a deadline that is none", async () => {
    expect(await rejection(drain(Number.NaN))).toMatchObject({ code: "unit/invalid" });
    expect(sharedState().isDraining).toBeUndefined();
  });
});

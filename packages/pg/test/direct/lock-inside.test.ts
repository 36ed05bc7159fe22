import assert from "node:assert/strict";

import { transaction, withAdvisoryLock } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { gate } from "../units/stage.ts";
import { eventually, rejection } from "../world.ts";
import { type DirectWorld, startDirectWorld } from "./direct-world.ts";

let direct: DirectWorld;

beforeAll(async () => {
  direct = await startDirectWorld();
});
afterAll(async () => {
  await direct[Symbol.asyncDispose]();
});
afterEach(async () => {
  await eventually(async () => assert.equal(await direct.locks(), 0));
});

function isTry({ sql }: { readonly sql?: string | undefined }): boolean {
  return sql?.includes("pg_try_advisory_lock") === true;
}

describe("a lock inside of itself", () => {
  test("is had already", async () => {
    const policy = direct.policy();

    const inner = await withAdvisoryLock(policy, "own", () =>
      withAdvisoryLock(policy, "own", { tryOnly: true }, async () => [
        await direct.locks(),
        "inner",
      ]),
    );

    expect(inner).toEqual([1, "inner"]);
  });

  test("is had already in a transaction(), which ends before it", async () => {
    const policy = direct.policy();

    const inner = await withAdvisoryLock(policy, "own", () =>
      transaction(() => withAdvisoryLock(policy, "own", () => "inner")),
    );

    expect(inner).toBe("inner");
  });

  test("is another one in another database, whatever the target is called", async () => {
    const policy = direct.policy();
    const elsewhere = direct.wire.url(direct.world.bed.urls.direct).replace(/\/app$/u, "/postgres");
    const places = [
      () => withAdvisoryLock(direct.policy({ direct: elsewhere }), "two", () => direct.locks()),
      () =>
        withAdvisoryLock(policy, "two", { connection: { connectionString: elsewhere } }, () =>
          direct.locks(),
        ),
    ];

    for (const place of places) expect(await withAdvisoryLock(policy, "two", place)).toBe(2);
  });

  test("is the same in the same database, whoever says how to get there", async () => {
    const connection = { connectionString: direct.wire.url(direct.world.bed.urls.direct) };

    const inner = withAdvisoryLock(direct.policy(), "one", () =>
      withAdvisoryLock(direct.policy(), "one", { connection, tryOnly: true }, () => direct.locks()),
    );

    expect(await inner).toBe(1);
  });

  test("is held until everybody has settled who has it", async () => {
    const policy = direct.policy();
    const failed = gate();
    const begun = gate();
    const over = gate();
    using tries = direct.wire.when({ direction: "client", match: isTry }, "count");
    let innerEnd = "";

    const outer = rejection(
      withAdvisoryLock(policy, "both", () =>
        Promise.all([
          withAdvisoryLock(policy, "both", async ({ signal }) => {
            begun.open();
            await over.opened;
            innerEnd = `aborted ${signal.aborted}, locks ${await direct.locks()}`;
          }),
          failed.opened.then(() => Promise.reject(new Error("the other"))),
        ]),
      ),
    );
    // Before the inner call knows which lock it is for.
    failed.open();
    await begun.opened;
    expect(tries.count).toBe(1);
    const other = withAdvisoryLock(direct.policy(), "both", { tryOnly: true }, () => "other");
    expect(await rejection(other)).toMatchObject({ code: "lock/not-acquired" });
    over.open();

    expect(await outer).toMatchObject({ message: "the other" });
    expect(innerEnd).toBe("aborted false, locks 1");
    expect(await direct.locks()).toBe(0);
  });

  test("can be taken once more by whoever still has it", async () => {
    const policy = direct.policy();
    const settled = gate();
    using tries = direct.wire.when({ direction: "client", match: isTry }, "count");
    let inner: Promise<number> | undefined;

    const outer = withAdvisoryLock(policy, "again", () => {
      inner = withAdvisoryLock(policy, "again", async () => {
        await settled.opened;
        return await withAdvisoryLock(policy, "again", { tryOnly: true }, () => direct.locks());
      });
    });
    // Its own function has settled by then.
    await eventually(() => expect(inner).toBeDefined());
    expect(await direct.locks()).toBe(1);
    settled.open();

    await outer;
    expect(await inner).toBe(1);
    expect(tries.count).toBe(1);
  });

  test("is lost to everybody who has it, and nobody is let in any more", async () => {
    const policy = direct.policy();
    const errors: unknown[] = [];
    let calls = 0;

    const outer = await rejection(
      withAdvisoryLock(policy, "lost", async () => {
        const lost = withAdvisoryLock(policy, "lost", async (own) => {
          await direct.terminate();
          await eventually(() => expect(own.signal.aborted).toBe(true));
        });
        errors.push(await rejection(lost).catch(String));
        const late = withAdvisoryLock(policy, "lost", () => (calls += 1));
        errors.push(await rejection(late).catch(String));
      }),
    );

    expect(outer).toMatchObject({ code: "lock/lost" });
    expect(errors).toEqual([outer, outer]);
    expect(calls).toBe(0);
  });

  test("is not had by who does not want it any more", async () => {
    const policy = direct.policy();
    const signal = AbortSignal.abort(new Error("enough"));
    let calls = 0;

    const error = await rejection(
      withAdvisoryLock(policy, "unwanted", () =>
        withAdvisoryLock(policy, "unwanted", { signal }, () => (calls += 1)),
      ),
    );

    expect([error, calls]).toEqual([signal.reason, 0]);
  });
});

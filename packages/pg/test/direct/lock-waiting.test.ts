import assert from "node:assert/strict";

import { withAdvisoryLock } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

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

const TRY = { direction: "client", match: isTry } as const;

function isTry({ sql }: { readonly sql?: string | undefined }): boolean {
  return sql?.includes("pg_try_advisory_lock") === true;
}

function isUnlock({ sql }: { readonly sql?: string | undefined }): boolean {
  return sql?.includes("pg_advisory_unlock") === true;
}

describe("a lock that somebody else has", () => {
  test("is waited for as long as it was told, without a connection", async () => {
    const first = await direct.holder("patience");
    const { pg } = direct.world.guard(direct.policy({}, { connections: { maxPerProcess: 2 } }));

    const late = withAdvisoryLock(pg, "patience", { waitTimeoutMs: 300 }, () => "never");
    const others = await Promise.all(
      Array.from({ length: 4 }, (_, index) => withAdvisoryLock(pg, index, () => index)),
    );

    expect(others).toEqual([0, 1, 2, 3]);
    expect(await rejection(late)).toMatchObject({ code: "lock/not-acquired" });
    await first.letGo();
  });

  test("is got by who waits when its holder lets go", async () => {
    const first = await direct.holder("next");
    const second = withAdvisoryLock(direct.policy(), "next", () => "second");

    await first.letGo();

    expect(await second).toBe("second");
  });

  test("is waited for no more when the signal says so, between two tries", async () => {
    const first = await direct.holder("aborted");
    const abort = new AbortController();
    const { signal } = abort;
    using tries = direct.wire.when(TRY, "count");

    const second = withAdvisoryLock(direct.policy(), "aborted", { signal }, () => "never");
    second.catch(() => undefined);
    await eventually(() => expect(tries.count).toBeGreaterThanOrEqual(2));
    abort.abort(new Error("enough"));

    expect(await rejection(second)).toBe(signal.reason);
    const third = withAdvisoryLock(direct.policy(), "aborted", { signal }, () => "never");
    expect(await rejection(third)).toBe(signal.reason);
    await first.letGo();
  });
});

describe("asking for a lock", () => {
  test("ends with the signal while it waits for a connection", async () => {
    const { pg } = direct.world.guard(direct.policy({}, { connections: { maxPerProcess: 1 } }));
    const abort = new AbortController();
    const { signal } = abort;

    const ended = await withAdvisoryLock(pg, "the only one", async () => {
      const waiting = withAdvisoryLock(pg, "none left", { signal }, () => "never");
      waiting.catch(() => undefined);
      await direct.world.bed.sql("select 1");
      abort.abort(new Error("enough"));
      return await rejection(waiting);
    });

    expect(ended).toBe(signal.reason);
    expect(await withAdvisoryLock(pg, "none left", () => "free")).toBe("free");
  });

  test("ends with the signal while the server answers, and gives back what comes too late", async () => {
    const policy = direct.policy();
    const abort = new AbortController();
    const { signal } = abort;
    using held = direct.wire.when(TRY, "hold");
    using unlocked = direct.wire.when({ direction: "client", match: isUnlock }, "count");

    const asking = withAdvisoryLock(policy, "late", { signal }, () => "never");
    asking.catch(() => undefined);
    await held.hit;
    abort.abort(new Error("enough"));
    const error = await rejection(asking);
    held.remove();

    expect(error).toBe(signal.reason);
    await unlocked.hit;
    expect(await withAdvisoryLock(policy, "late", () => "free")).toBe("free");
  });

  test.each([
    ["`livenessTimeoutMs`", { livenessTimeoutMs: 100 }],
    ["1 s, where it is to wait for less", { waitTimeoutMs: 10 }],
    ["`livenessTimeoutMs`, in one try", { livenessTimeoutMs: 100, tryOnly: true }],
  ])("gives a server that does not answer up after %s", async (_, options) => {
    using silence = direct.wire.when({ ...TRY, nth: 1 }, "blackHole");
    const policy = direct.policy();
    const begun = performance.now();

    const asking = withAdvisoryLock(policy, "silent", options, () => "never");
    asking.catch(() => undefined);
    await silence.hit;
    const error = await rejection(asking);

    expect(performance.now() - begun).toBeLessThan(4_000);
    expect(String(error)).toMatch(/^Error: The server has not answered within 10*0 ms\.$/u);
    for (const connection of direct.wire.connections) connection.cut("rst");
    expect(await withAdvisoryLock(policy, "silent", () => "again")).toBe("again");
  });

  test("says who has it only where that is answered, too", async () => {
    const first = await direct.holder("whose");
    using silence = direct.wire.when(
      { direction: "client", match: ({ sql }) => sql?.includes("pg_stat_activity") === true },
      "blackHole",
    );
    const options = { tryOnly: true, livenessTimeoutMs: 100 };

    const asking = withAdvisoryLock(direct.policy(), "whose", options, () => "never");
    asking.catch(() => undefined);
    await silence.hit;

    expect(await rejection(asking)).toMatchObject({
      code: "lock/not-acquired",
      message: expect.stringContaining("held by another session"),
    });
    for (const connection of direct.wire.connections)
      if (connection.blackHoled) connection.cut("rst");
    await first.letGo();
  });
});

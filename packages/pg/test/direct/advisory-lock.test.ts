import assert from "node:assert/strict";

import {
  transaction,
  unitOfWork,
  withAdvisoryLock,
  type AdvisoryLockOptions,
} from "@doorpolicy/pg";
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

describe("withAdvisoryLock()", () => {
  test("lets one at a time do it, whichever connections they have", async () => {
    let inside = 0;
    let most = 0;
    const work = Array.from({ length: 5 }, (_, index) =>
      withAdvisoryLock(direct.policy(), "turns", async () => {
        most = Math.max(most, ++inside);
        await direct.world.bed.sql("select pg_sleep(0.01)");
        inside -= 1;
        return index;
      }),
    );

    expect(await Promise.all(work)).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(1);
  });

  test("takes a policy, a guarded pg, and every kind of key", async () => {
    const { pg } = direct.world.guard(direct.policy());

    for (const key of ["text", 5n, 5, [0, 5]] as const) {
      expect(await withAdvisoryLock(pg, key, () => direct.locks())).toBe(1);
    }
    const both = withAdvisoryLock(pg, 5, () => withAdvisoryLock(pg, [0, 5], () => direct.locks()));
    expect(await both).toBe(2);
  });

  test("holds it on a connection with the policy's name, beside that of a unit", async () => {
    const { pg } = direct.world.guard(direct.policy(), undefined, { lane: "direct" });
    const pool = new pg.Pool();
    await using _ = { [Symbol.asyncDispose]: () => pool.end() };
    const read =
      "select current_setting('app.tenant') as s, current_setting('application_name') as n";

    const [row, backends] = await unitOfWork({ setLocal: { "app.tenant": "7" } }, () =>
      withAdvisoryLock(pg, "unit", async () => {
        const { rows } = await pool.query(read);
        return [rows[0], await direct.backends()] as const;
      }),
    );

    expect(row).toEqual({ s: "7", n: "billing:deploy@web-1" });
    expect(backends.length).toBeGreaterThan(1);
  });

  test("is free again when the function has failed, with that error", async () => {
    const failure = new Error("no");

    const error = await rejection(
      withAdvisoryLock(direct.policy(), "failing", () => Promise.reject(failure)),
    );

    expect(error).toBe(failure);
    await eventually(async () => expect(await direct.locks()).toBe(0));
  });

  test("with `tryOnly` says at once who has it", async () => {
    const first = await direct.holder("busy");

    const error = await rejection(
      withAdvisoryLock(direct.policy(), "busy", { tryOnly: true }, () => "never"),
    );

    expect(error).toMatchObject({ code: "lock/not-acquired" });
    expect(String(error)).toMatch(/"busy" is held by `billing:deploy@web-1` \(backend \d+\)/);
    expect(await first.letGo()).toBe("done");
  });

  test("passes the caller's signal on, and keeps the lock until the function has settled", async () => {
    const abort = new AbortController();
    const first = await direct.holder("passed on", { signal: abort.signal });

    abort.abort(new Error("enough"));

    expect(first.signal.reason).toMatchObject({ message: "enough" });
    expect(await direct.locks()).toBe(1);
    expect(await first.letGo()).toBe("done");
  });

  test("tells the function that its connection was ended, and then its caller", async () => {
    const first = await direct.holder("terminated");

    await direct.terminate();
    await eventually(() => expect(first.signal.aborted).toBe(true));

    expect(first.signal.reason).toMatchObject({ code: "lock/lost" });
    const error = await rejection(first.letGo());
    expect(error).toBe(first.signal.reason);
    expect(error).toMatchObject({ cause: { code: "57P01" } });
  });

  test("notices a connection that has died in silence", async () => {
    using _ = direct.wire.when(
      { direction: "client", message: "Query", match: ({ sql }) => sql === "select 1" },
      "blackHole",
    );
    const first = await direct.holder("silent", { livenessTimeoutMs: 200 });

    await eventually(() => expect(first.signal.aborted).toBe(true));

    expect(await rejection(first.letGo())).toMatchObject({ code: "lock/lost" });
    for (const connection of direct.wire.connections) connection.cut("rst");
  });

  test("says that it was lost when it cannot be given back", async () => {
    using _ = direct.wire.when(
      { direction: "client", match: ({ sql }) => sql?.includes("advisory_unlock") === true },
      "cut",
    );
    const first = await direct.holder("cut");

    expect(await rejection(first.letGo())).toMatchObject({ code: "lock/lost" });
  });

  test("hides no error of a function that fails before the lock is lost", async () => {
    using _ = direct.wire.when(
      { direction: "client", match: ({ sql }) => sql?.includes("advisory_unlock") === true },
      "cut",
    );
    const failure = new Error("invoice 7 is broken");

    const error = await rejection(
      withAdvisoryLock(direct.policy(), "broken", () => Promise.reject(failure)),
    );

    expect(error).toBe(failure);
  });

  test.each([
    ["the reason of its signal", (signal: AbortSignal) => signal.reason],
    [
      "what Node makes of it",
      (signal: AbortSignal) => new Error("aborted", { cause: signal.reason }),
    ],
  ])("says that it was lost to a function that rejects with %s", async (_, errorOf) => {
    const error = await rejection(
      withAdvisoryLock(direct.policy(), "stopped", async ({ signal }) => {
        await direct.terminate();
        await eventually(() => expect(signal.aborted).toBe(true));
        throw errorOf(signal);
      }),
    );

    expect(error).toMatchObject({ code: "lock/lost" });
  });

  test("says that it was lost to a function that has resolved before it was noticed", async () => {
    const { pg } = direct.world.guard(direct.policy({}, { connections: { maxPerProcess: 1 } }));
    const error = await rejection(
      withAdvisoryLock(pg, "emptied", async () => {
        await direct.terminate();
        return "done";
      }),
    );

    expect(error).toMatchObject({ code: "lock/lost" });
  });

  test("is refused inside of a transaction(), which would end after it", async () => {
    const error = await rejection(
      transaction(() => unitOfWork(() => withAdvisoryLock(direct.policy(), "inside", () => 1))),
    );

    expect(error).toMatchObject({ code: "lock/in-transaction" });
  });

  test.each(["password", "user", "database"])(
    "does not look on localhost for a connection with nothing but a %s",
    async (key) => {
      const connection = { [key]: "x" };
      expect(
        await rejection(withAdvisoryLock(direct.policy(), "x", { connection }, () => 1)),
      ).toMatchObject({ code: "direct/invalid", path: `connection.${key}` });
    },
  );

  test("names an option that there is not, and a function that is missing", async () => {
    const policy = direct.policy();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that it is wrong is the point.
    const wrong = { waitTimeout: 5 } as AdvisoryLockOptions;

    expect(await rejection(withAdvisoryLock(policy, "x", wrong, () => 1))).toMatchObject({
      code: "direct/invalid",
      path: "waitTimeout",
    });
    expect(
      await rejection(withAdvisoryLock(policy, "x", { waitTimeoutMs: 0 }, () => 1)),
    ).toMatchObject({ code: "direct/invalid", path: "waitTimeoutMs" });
    // @ts-expect-error -- what JavaScript may leave out.
    expect(await rejection(withAdvisoryLock(policy, "x", {}))).toMatchObject({ path: "fn" });
  });
});

describe("the lane of a lock", () => {
  test.each([
    ["there is no direct URL", () => undefined],
    ["the direct URL is the pooled one", () => `${direct.world.bed.urls.pooled}?connect_timeout=5`],
  ])("is refused where %s, before anything is sent", async (_, url) => {
    const policy = direct.policy({ direct: url() });
    // One that says nothing, as of a variable that is not set.
    const connection = { connectionString: undefined };

    const error = await rejection(withAdvisoryLock(policy, "x", { connection }, () => 1));

    expect(error).toMatchObject({ code: "policy/missing-url", path: "targets.main.direct" });
    expect(String(error)).not.toContain("app:app");
  });

  test("is the pooled one where its pooler keeps a session for each client", async () => {
    const { session } = direct.world.bed.urls;
    const policy = direct.policy({
      pooler: { kind: "pgbouncer", version: "1.24", mode: "session" },
      pooled: session,
      direct: undefined,
    });

    expect(await withAdvisoryLock(policy, "session", () => direct.locks())).toBe(1);
    await eventually(async () => expect(await direct.locks()).toBe(0));
  });

  test("is not reported as idle, nor taken back, there", async () => {
    const { session } = direct.world.bed.urls;
    const target = {
      pooler: { kind: "pgbouncer", version: "1.24", mode: "session" },
      pooled: session,
    } as const;
    const { pg, seen } = direct.world.guard({
      targets: { main: target },
      connections: { heldIdleWarnMs: 20, heldIdleReclaimMs: 60, maxPerProcess: 1 },
    });
    const pool = new pg.Pool();
    await using _ = { [Symbol.asyncDispose]: () => pool.end() };

    const held = await withAdvisoryLock(pg, "quiet", async ({ signal }) => {
      await direct.world.bed.sql("select pg_sleep(0.3)");
      return [signal.aborted, await direct.locks()];
    });
    // The same connection, with another holder: it is watched again.
    const client = await pool.connect();
    await eventually(() => expect(seen).not.toEqual([]));
    client.release();

    expect(held).toEqual([false, 1]);
    expect(new Set(seen.map(({ rule }) => rule))).toEqual(new Set(["connections/held-idle"]));
  });

  test("takes what else pg is told about the connection", async () => {
    const connection = { connectionString: direct.world.bed.urls.direct };

    const held = withAdvisoryLock(direct.policy({ direct: undefined }), "own", { connection }, () =>
      direct.locks(),
    );

    expect(await held).toBe(1);
  });
});

describe("transaction({ advisoryLock })", () => {
  test("takes the lock with BEGIN, through the pooler, and frees it with COMMIT", async () => {
    const { pg } = direct.world.guard(direct.policy());
    const pool = new pg.Pool();
    await using _ = { [Symbol.asyncDispose]: () => pool.end() };

    const held = await transaction({ advisoryLock: "book" }, async () => {
      await pool.query("select 1");
      return await direct.locks();
    });

    expect(held).toBe(1);
    await eventually(async () => expect(await direct.locks()).toBe(0));
  });

  test("lets one at a time in", async () => {
    const { pg } = direct.world.guard(direct.policy());
    const pool = new pg.Pool();
    await using _ = { [Symbol.asyncDispose]: () => pool.end() };
    let inside = 0;
    let most = 0;

    await Promise.all(
      Array.from({ length: 4 }, () =>
        transaction({ advisoryLock: [1, 2] }, async () => {
          await pool.query("select 1");
          most = Math.max(most, ++inside);
          await pool.query("select pg_sleep(0.01)");
          inside -= 1;
        }),
      ),
    );

    expect(most).toBe(1);
  });

  test("waits no longer than the transaction's lock limit", async () => {
    const { pg } = direct.world.guard(direct.policy());
    const pool = new pg.Pool();
    await using _ = { [Symbol.asyncDispose]: () => pool.end() };
    const first = await direct.holder("limited");
    const options = { advisoryLock: "limited", lockTimeoutMs: 100 };

    const error = await rejection(transaction(options, () => pool.query("select 1")));

    // 55P03: lock_not_available.
    expect(error).toMatchObject({ code: "55P03" });
    await first.letGo();
  });

  test("is refused on an inner one, which would come too late", async () => {
    const error = await rejection(
      transaction(() => transaction({ advisoryLock: "book" }, () => 1)),
    );

    expect(error).toMatchObject({ code: "unit/invalid", path: "advisoryLock" });
  });
});

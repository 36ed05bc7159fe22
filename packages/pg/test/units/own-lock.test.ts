import type { Policy } from "@doorpolicy/core";
import { advisoryLockKey, detached, transaction, withAdvisoryLock } from "@doorpolicy/pg";
import type { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type DirectWorld, startDirectWorld } from "../direct/direct-world.ts";
import { rejection } from "../world.ts";
import { gate } from "./stage.ts";

let direct: DirectWorld;

beforeAll(async () => {
  direct = await startDirectWorld();
});
afterAll(async () => {
  await direct[Symbol.asyncDispose]();
});

/** Without a limit it would not end. */
const LIMIT = { lockTimeoutMs: 300 };
const REFUSED = { code: "unit/invalid", path: "advisoryLock" };

function open(policy: Policy, target = "main"): Pool & AsyncDisposable {
  const { pg } = direct.world.guard(policy, undefined, { target });
  const pool = new pg.Pool();
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}

describe("transaction({ advisoryLock }) in a withAdvisoryLock() with the same key", () => {
  test.each([
    ["as a text", "nightly"],
    ["as the number behind it", advisoryLockKey("nightly")],
  ])("is refused %s before it takes a connection", async (_, advisoryLock) => {
    const policy = direct.policy();
    await using pool = open(policy);

    const error = await withAdvisoryLock(policy, "nightly", () =>
      rejection(transaction({ ...LIMIT, advisoryLock }, () => pool.query("select 1"))),
    );

    expect(error).toMatchObject(REFUSED);
    expect(pool.totalCount).toBe(0);
  });

  test("is refused behind another lock, and detached from the units around", async () => {
    const policy = direct.policy();
    await using pool = open(policy);

    const error = await withAdvisoryLock(policy, [1, 2], () =>
      withAdvisoryLock(policy, "inner", () =>
        rejection(
          detached(() =>
            transaction({ ...LIMIT, advisoryLock: [1, 2] }, () => pool.query("select 1")),
          ),
        ),
      ),
    );

    expect(error).toMatchObject(REFUSED);
  });

  test("is refused where the lock is on the pooled lane, and where only its `connection` says where it is", async () => {
    const { urls } = direct.world.bed;
    const session = direct.policy({
      pooler: { kind: "none" },
      pooled: urls.direct,
      direct: undefined,
    });
    const pooledOnly = direct.policy({ direct: undefined });
    const connection = { connectionString: urls.direct };
    await using one = open(session);
    await using other = open(pooledOnly);
    const options = { ...LIMIT, advisoryLock: "nightly" };

    const errors = [
      await withAdvisoryLock(session, "nightly", () =>
        rejection(transaction(options, () => one.query("select 1"))),
      ),
      await withAdvisoryLock(pooledOnly, "nightly", { connection }, () =>
        rejection(transaction(options, () => other.query("select 1"))),
      ),
    ];

    expect(errors).toMatchObject([REFUSED, REFUSED]);
  });

  test("is taken where it is another lock: of another key, of another database, or given back", async () => {
    const { urls } = direct.world.bed;
    const elsewhere = urls.direct.replace(/\/\w+(?=\?|$)/u, "/postgres");
    const policy: Policy = {
      ...direct.policy(),
      targets: {
        ...direct.policy().targets,
        other: { pooler: { kind: "none" }, pooled: elsewhere, direct: elsewhere },
      },
    };
    await using pool = open(policy);
    const read = (advisoryLock: string): Promise<unknown> =>
      transaction({ ...LIMIT, advisoryLock }, async () => {
        await pool.query("select 1");
        return await direct.locks();
      });

    const otherKey = await withAdvisoryLock(policy, "a", () => read("b"));
    const otherDatabase = await withAdvisoryLock(policy, "a", { target: "other" }, () => read("a"));
    let later: Promise<unknown> = Promise.resolve();
    const over = gate();
    await withAdvisoryLock(policy, "a", () => {
      later = over.opened.then(() => read("a"));
    });
    over.open();

    expect([otherKey, otherDatabase, await later]).toEqual([2, 2, 1]);
  });
});

describe("transaction({ advisoryLock }) in one that has a lock", () => {
  const long = "tenant/".padEnd(80, "x");

  test("is refused for another key, also where the two differ behind what a message shows", async () => {
    await using pool = open(direct.policy());

    const error = await transaction({ advisoryLock: `${long}1` }, async () => {
      await pool.query("select 1");
      return await rejection(transaction({ advisoryLock: `${long}2` }, () => 1));
    });

    expect(error).toMatchObject(REFUSED);
  });

  test("is a part of it for the same key, whatever it is given as", async () => {
    await using pool = open(direct.policy());

    const held = await transaction({ advisoryLock: long }, () =>
      transaction({ advisoryLock: advisoryLockKey(long) }, async () => {
        await pool.query("select 1");
        return await direct.locks();
      }),
    );

    expect(held).toBe(1);
  });
});

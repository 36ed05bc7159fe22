import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";

import { definePolicy, type Policy } from "@doorpolicy/core";
import * as one from "@doorpolicy/pg";
import type { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { rejection, requirePg } from "../world.ts";
import { type Actor, clear, SAFE, type Stage, startStage } from "./stage.ts";

let stage: Stage;
let two: typeof one;
let here: Actor;
/** A pool of the other copy, over another version of pg. */
let there: Pool;

beforeAll(async () => {
  stage = await startStage();
  // The CJS build beside the ESM one; two installs are no other case.
  two = createRequire(import.meta.url)("@doorpolicy/pg");
  here = stage.actor();
  const guarded = two.guardPg(requirePg("pg816"), definePolicy({ mode: "enforce", ...SAFE }));
  there = new guarded.Pool({
    connectionString: stage.wire.url(stage.world.bed.urls.pooled),
    types: { getTypeParser: () => (text: string) => `parsed ${text}` },
  });
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await there.end();
  await stage[Symbol.asyncDispose]();
});
beforeEach(() => clear(stage));

const insert = (pool: Pool, id: number): Promise<unknown> =>
  pool.query(`insert into t values (${id}, 'a')`);

describe("two copies of the package in one process", () => {
  test("have one transaction(), whichever began it: both rows or none", async () => {
    expect(two.transaction).not.toBe(one.transaction);
    for (const [begin, first, second, id] of [
      [one.transaction, here.pool, there, 1],
      [two.transaction, there, here.pool, 11],
      [one.transaction, there, here.pool, 21],
    ] as const) {
      await begin(async () => {
        await insert(first, id);
        await insert(second, id + 1);
        expect(await stage.stored()).not.toContain(id);
      });
      await rejection(
        begin(async () => {
          await insert(first, id + 2);
          await insert(second, id + 3);
          throw new Error("no");
        }),
      );
    }

    expect(await stage.stored()).toEqual([1, 2, 11, 12, 21, 22]);
  });

  test("nest, and an ORM's own block of one is a savepoint in the other's", async () => {
    await one.transaction(async () => {
      await insert(here.pool, 1);
      await rejection(
        two.transaction(async () => {
          await insert(there, 2);
          await insert(here.pool, 2);
        }),
      );
      const client = await there.connect();
      await client.query("BEGIN");
      await client.query("insert into t values (3, 'a')");
      await client.query("ROLLBACK");
      client.release();
      await two.afterCommit(() => insert(there, 4));
    });

    expect(await stage.stored()).toEqual([1, 4]);
  });

  test("see one unit of work, its settings, and its end", async () => {
    let late: Promise<unknown> | undefined;
    const read = "select current_setting('app.tenant') as s";

    const answers = await one.unitOfWork({ setLocal: { "app.tenant": 7 } }, async () => [
      (await there.query(read)).rows,
      (await two.unitOfWork(() => here.pool.query(read))).rows,
    ]);
    await two.transaction(async () => {
      await insert(there, 1);
      late = new Promise((resolve) => {
        setTimeout(() => resolve(rejection(one.transaction(() => insert(here.pool, 2)))), 100);
      });
    });

    expect(answers).toEqual([[{ s: "parsed 7" }], [{ s: "7" }]]);
    expect(await late).toMatchObject({ code: "transaction/ended" });
  });

  test("give each caller the types of its own pool", async () => {
    const [mine, others] = await one.transaction(async () => [
      (await here.pool.query("select 7::bigint as n")).rows,
      (await there.query("select 7::bigint as n")).rows,
    ]);

    expect(mine).toEqual([{ n: "7" }]);
    expect(others).toEqual([{ n: "parsed 7" }]);
  });

  test("report a call to the outside once", async () => {
    const rule = "transaction/no-external-calls";
    const watched: Policy = { ...SAFE, rules: { [rule]: { runtime: "warn" } } };
    await using own = stage.actor(watched);
    const guarded = two.guardPg(requirePg("pg816"), definePolicy({ mode: "enforce", ...watched }));
    // It would hear Node's channels as well from now on.
    const other = new guarded.Pool({ connectionString: stage.world.bed.urls.pooled });
    await other.end();
    const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;

    await one.transaction(async () => {
      await insert(own.pool, 1);
      await (await fetch(`http://127.0.0.1:${port}/`)).text();
    });
    server.closeAllConnections();
    server.close();

    expect(own.rules().filter((seen) => seen === rule)).toHaveLength(1);
  });
});

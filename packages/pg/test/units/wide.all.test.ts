import { transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { eventually, makeCursor, rejection, requirePg } from "../world.ts";
import { FORMS } from "./forms.ts";
import { clear, type Stage, startStage } from "./stage.ts";
import { crossTenants } from "./tenants.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});
beforeEach(() => clear(stage));

const VALUE = 'it\'s \\ "me"\nünï';
const SETTINGS = { setLocal: { "app.tenant": VALUE } };
const READ = "select current_setting('app.tenant') as s";

describe.each(["pg85", "pg811", "pg816"])("with %s", (name) => {
  test.each(FORMS)(
    "a transaction(), one with autosave and a unitOfWork() take $title",
    async ({ run }) => {
      await using own = stage.actor({}, {}, requirePg(name));
      const given = { pg: own.pg, pool: own.pool, read: READ, value: VALUE };

      await transaction(SETTINGS, () => run(given));
      await transaction({ ...SETTINGS, autosave: "statement" }, () => run(given));
      await unitOfWork(SETTINGS, () => run(given));

      await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
      expect(own.seen).toEqual([]);
    },
  );

  test("nested ones, ORMs' own blocks, errors and a cursor left open are as with the newest", async () => {
    await using own = stage.actor({ units: { settleTimeoutMs: 100 } }, {}, requirePg(name));
    const { pool } = own;

    await transaction(async () => {
      await pool.query("insert into t values (1, 'a')");
      await rejection(transaction(() => pool.query("insert into t values (1, 'a')")));
      const client = await pool.connect();
      await client.query("BEGIN");
      await client.query("insert into t values (2, 'a')");
      await client.query("ROLLBACK");
      client.release();
      await transaction(() => pool.query("insert into t values (3, 'a')"));
    });
    const late = await rejection(
      transaction(async () => {
        await pool.query("insert into t values (4, 'a')");
        const client = await pool.connect();
        const cursor = client.query(makeCursor("select generate_series(1, 1000)"));
        await cursor.read(1);
      }),
    );
    const slow = await rejection(
      transaction(async () => {
        void pool.query("select pg_sleep(5)").catch(() => undefined);
      }),
    );

    expect(late).toMatchObject({ code: "unit/unawaited-work" });
    expect(slow).toMatchObject({ code: "unit/unawaited-work" });
    expect(await stage.stored()).toEqual([1, 3]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
  });
});

describe("values of setLocal", () => {
  const alphabet = [
    "'",
    "\\",
    '"',
    "\n",
    "$",
    "$$",
    "ü",
    "\u{1F418}",
    ";",
    "--",
    "/*",
    "%",
    " ",
    "a",
    "E'",
    "\u0001",
  ];

  test("arrive as they are: 400 of them, in a statement and in a block", async () => {
    await using own = stage.actor({ connections: { reuse: "pool" } });
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };

    for (let round = 0; round < 400; round++) {
      const value = Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]).join(
        "",
      );
      const answers = await unitOfWork({ setLocal: { "app.tenant": value } }, async () => {
        const alone = await own.pool.query(READ);
        const client = await own.pool.connect();
        await client.query("BEGIN");
        const inBlock = await client.query(READ);
        await client.query("COMMIT");
        client.release();
        return [alone.rows[0].s, inBlock.rows[0].s];
      });
      expect(answers).toEqual([value, value]);
    }
  });
});

describe.each(["enforce", "observe", "bypass"] as const)(
  "50 units of different tenants in %s",
  (mode) => {
    test.each([1, 2])("see nobody else's value over %i connections", (max) =>
      crossTenants(stage, mode, 50, max),
    );
  },
);

test("300 units at once, aborted, failing and left behind at random, leave nothing", async () => {
  await using own = stage.actor({
    units: { settleTimeoutMs: 20, stallMs: 500 },
    connections: { maxPerProcess: 5, acquireTimeoutMs: 15_000 },
  });
  const { pool } = own;
  const before = stage.world.droppedServers();
  const acknowledged = new Set<number>();

  await Promise.all(
    Array.from({ length: 300 }, async (_, id) => {
      const control = new AbortController();
      const kind = id % 6;
      const work = transaction({ signal: control.signal }, async () => {
        await pool.query("insert into t values ($1, 'a')", [id]);
        if (kind === 1) throw new Error("no");
        if (kind === 2) {
          control.abort(new Error("gone"));
          await pool.query("select pg_sleep(1)");
        }
        if (kind === 3) void pool.query("select pg_sleep(0.3)").catch(() => undefined);
        if (kind === 4) {
          await transaction(() => pool.query("insert into t values ($1, 'a')", [id])).catch(
            () => undefined,
          );
        }
        if (kind === 5) {
          const client = await pool.connect();
          await client.query("BEGIN");
          await client.query("insert into t values ($1, 'b')", [id + 1_000]);
          await client.query("ROLLBACK");
          client.release();
        }
      });
      await work.then(
        () => acknowledged.add(id),
        () => undefined,
      );
    }),
  );

  expect(await stage.stored()).toEqual([...acknowledged].toSorted((one, other) => one - other));
  expect(acknowledged.size).toBe(150);
  await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
  expect(stage.world.droppedServers()).toBe(before);
});

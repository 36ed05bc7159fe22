import { transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, beforeAll, expect, test } from "vitest";

import { eventually, rejection, requirePg } from "../world.ts";
import { FORMS } from "./forms.ts";
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

const VALUE = 'it\'s \\ "me"';
const SETTINGS = { setLocal: { "app.tenant": VALUE } };
const READ = "select current_setting('app.tenant') as s";

test.each(FORMS)(
  "transaction() carries its settings for $title, and stores what follows",
  async ({ run }) => {
    await clear(stage);
    const { pg, pool } = actor;

    await transaction(SETTINGS, async () => {
      await run({ pg, pool, read: READ, value: VALUE });
      await pool.query("insert into t values (1, 'a')");
    });

    expect(await stage.stored()).toEqual([1]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(actor.seen).toEqual([]);
  },
);

test.each(FORMS)(
  "transaction() with a savepoint for each statement takes $title",
  async ({ run }) => {
    await clear(stage);
    const { pg, pool } = actor;

    await transaction({ ...SETTINGS, autosave: "statement" }, async () => {
      await run({ pg, pool, read: READ, value: VALUE });
      await pool.query("insert into t values (1, 'a')");
    });

    expect(await stage.stored()).toEqual([1]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(actor.seen).toEqual([]);
  },
);

test.each(FORMS)(
  "unitOfWork() carries its settings for $title, and leaves nothing open",
  async ({ run }) => {
    await clear(stage);
    const { pg, pool } = actor;

    await unitOfWork(SETTINGS, async () => {
      await run({ pg, pool, read: READ, value: VALUE });
      await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
      await pool.query("insert into t values (1, 'a')");
    });

    expect(await stage.stored()).toEqual([1]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
    expect(actor.seen).toEqual([]);
  },
);

test.each(["pg85", "pg816"])(
  "unitOfWork() leaves nothing open behind a value that %s cannot serialise, and blames nobody else",
  async (name) => {
    await using own = stage.actor({ connections: { reuse: "pool" } }, {}, requirePg(name));
    const loop: { self?: unknown } = {};
    loop.self = loop;

    const error = await unitOfWork(SETTINGS, () =>
      rejection(own.pool.query("select $1::json", [loop])),
    );
    const { rows } = await unitOfWork(SETTINGS, () => own.pool.query(READ));

    expect(error).toBeInstanceOf(TypeError);
    expect(rows).toEqual([{ s: VALUE }]);
    expect(own.seen).toEqual([]);
    await eventually(async () => expect(await stage.world.openTransactions()).toBe(0));
  },
);

import { afterAll, beforeAll, expect, test } from "vitest";

import { transaction, unitOfWork } from "../../src/index.ts";
import { eventually } from "../world.ts";
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

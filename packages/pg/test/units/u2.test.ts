import { afterAll, beforeAll, expect, test } from "vitest";
import { startWorld, type World } from "../world.ts";
import { transaction } from "../../src/index.ts";
let world: World;
beforeAll(async () => { world = await startWorld(); }, 60000);
afterAll(() => world[Symbol.asyncDispose]());
test("x", async () => {
  const { pg } = world.guard();
  const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
  const t = performance.now(); const say = (...a: unknown[]) => console.log(Math.round(performance.now() - t), ...a);
  await transaction(async () => { void pool.query("select pg_sleep(3)").then(() => say("ok"), (e) => say("failed", e.message)); }).catch((e) => say(e.code));
  say("tx done");
  await pool.end();
  say("ended");
  await new Promise((r) => setTimeout(r, 4000));
});

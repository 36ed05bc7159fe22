import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { type PoolStage, startPoolStage } from "./pool-stage.ts";
import { walkOf } from "./walk.ts";
import { closingPool, walkOpen } from "./walk-open.ts";
import { walkOpening } from "./walk-opening.ts";

let stage: PoolStage;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

describe.each(["pg85", "pg811", "pg816", "pg"])("with %s", (name) => {
  const walk = walkOf(name, () => stage);
  walkOpening(walk);
  walkOpen(walk);

  test("a connection whose server never hears its goodbye is destroyed after five seconds", async () => {
    const pool = await closingPool(walk);
    const started = performance.now();

    await pool.end();

    expect(performance.now() - started).toBeGreaterThan(4_000);
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(pool.counters).toMatchObject({ open: 0, closed: 1 });
  });
});

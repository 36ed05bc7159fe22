import { afterAll, afterEach, beforeAll } from "vitest";

import { type PoolStage, startPoolStage } from "./pool-stage.ts";
import { walkPool } from "./walk-pool.ts";

let stage: PoolStage;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

walkPool("pg", () => stage);

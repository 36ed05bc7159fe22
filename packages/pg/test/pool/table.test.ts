import { afterAll, afterEach, beforeAll } from "vitest";

import { type PoolStage, startPoolStage } from "./pool-stage.ts";
import { walkOf } from "./walk.ts";
import { walkOpen } from "./walk-open.ts";
import { walkOpening } from "./walk-opening.ts";

let stage: PoolStage;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const walk = walkOf("pg", () => stage);
walkOpening(walk);
walkOpen(walk);

import { afterAll, beforeAll } from "vitest";

import { describeErrors } from "./errors.ts";
import { startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world[Symbol.asyncDispose]());

describeErrors(() => world, "TypeORM 0.3");

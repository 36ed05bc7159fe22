import { afterAll, beforeAll } from "vitest";

import { describeErrors } from "./errors.ts";
import { describeTogether } from "./together.ts";
import { describeUnawaited } from "./unawaited.ts";
import { describeWaiting } from "./waiting.ts";
import { startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world[Symbol.asyncDispose]());

// In one file: starting servers and loading the ORMs takes longer than all of the tests.
describeTogether(() => world);
describeUnawaited(() => world);
describeWaiting(() => world);
describeErrors(() => world, "TypeORM 1");

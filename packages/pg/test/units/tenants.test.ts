import { afterAll, beforeAll, test } from "vitest";

import { type Stage, startStage } from "./stage.ts";
import { crossTenants } from "./tenants.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

test.each(["enforce", "observe", "bypass"] as const)(
  "10 units of different tenants over one connection see nobody else's value in %s",
  (mode) => crossTenants(stage, mode, 10, 1),
);

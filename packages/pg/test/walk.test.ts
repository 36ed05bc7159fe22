import { afterAll, beforeAll, describe } from "vitest";

import { walkTable } from "./walk.ts";
import { startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.bed.sql("create table note (text text); grant all on note to public", "app");
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

describe("a connection that is held", () => {
  walkTable("pg", "promise", () => world);
});

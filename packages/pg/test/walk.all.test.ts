import { afterAll, beforeAll, describe } from "vitest";

import { FORMS, walkTable } from "./walk.ts";
import { startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.bed.sql("create table note (text text); grant all on note to public", "app");
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const product = ["pg85", "pg811", "pg816", "pg"].flatMap((name) =>
  FORMS.map((form) => [name, form] as const),
);

describe.each(product)("%s, by %s: a connection that is held", (name, form) => {
  walkTable(name, form, () => world);
});

import { afterAll, beforeAll, describe, test } from "vitest";

import { bothOrNone } from "./both-or-none.ts";
import { PRISMA_WAYS, TYPEORM_WAYS } from "./ways.ts";
import { type Service, startWorld, type TypeormVersion, type World } from "./world.ts";

const VERSIONS: readonly TypeormVersion[] = ["TypeORM 1", "TypeORM 0.3"];

const PAIRS = TYPEORM_WAYS.flatMap((typeorm) =>
  PRISMA_WAYS.flatMap((prisma) => [
    { first: typeorm, second: prisma },
    { first: prisma, second: typeorm },
  ]),
);

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world[Symbol.asyncDispose]());

describe.each(VERSIONS)("one transaction() over %s and Prisma", (typeorm) => {
  let service: Service;

  beforeAll(async () => {
    service = await world.open({ typeorm });
  });

  afterAll(() => service[Symbol.asyncDispose]());

  test.each(PAIRS)(
    "stores all rows or none of $first.title, then $second.title",
    ({ first, second }) => bothOrNone(world, service, first, second),
  );
});

import { transaction } from "@doorpolicy/pg";
import { expect } from "vitest";

import type { Way } from "./ways.ts";
import { rejection, type Service, type World } from "./world.ts";

/** Two ways to write in one transaction(), in this order: what was written is there or is not, as a whole. */
export async function bothOrNone(
  world: World,
  service: Service,
  first: Way,
  second: Way,
): Promise<void> {
  const writeBoth = async (): Promise<void> => {
    await first.write(service, "first");
    await second.write(service, "second");
  };
  await world.empty();

  const failure = await rejection(
    transaction(async () => {
      await writeBoth();
      throw new Error("thought better of it");
    }),
  );
  expect(failure).toHaveProperty("message", "thought better of it");
  expect(await world.rows()).toEqual([]);

  await transaction(writeBoth);
  const expected = [...first.rows("first"), ...second.rows("second")];
  expect((await world.rows()).toSorted()).toEqual(expected.toSorted());
  expect(service.seen).toEqual([]);
  await world.requireNothingOpen();
}

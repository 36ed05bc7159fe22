import { AsyncLocalStorage } from "node:async_hooks";

import { sharedState } from "../registry.ts";
import type { Unit } from "./unit.ts";

/** The unit of every async context of this process, whichever copy of this package made it. */
function storage(): AsyncLocalStorage<Unit | undefined> {
  return (sharedState().units ??= new AsyncLocalStorage<Unit | undefined>());
}

/** The unit that the caller runs in, whatever has become of it; `undefined` outside. */
export function currentUnit(): Unit | undefined {
  return storage().getStore();
}

/**
 * Calls `run` in a unit, or outside of any. What it returns is awaited *inside*: the lazy thenables of
 * Prisma, Kysely, Drizzle and Knex start when somebody awaits them, and would start outside.
 */
export function runIn<Result>(
  unit: Unit | undefined,
  run: () => Result | PromiseLike<Result>,
): Promise<Result> {
  return storage().run(unit, async () => await run());
}

/**
 * Calls `run` outside of any unit. For what outlives the unit that happened to ask for it: a socket
 * calls back in the context in which it was opened.
 */
export function outsideUnits<Result>(run: () => Result): Result {
  // `run()` switches the storage on, and from then on every promise of the process pays for it.
  return currentUnit() === undefined ? run() : storage().run(undefined, run);
}

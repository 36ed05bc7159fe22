import { soon } from "../clock.ts";
import type { PgQuery } from "./pg-types.ts";

/**
 * A callback of the service, to be called in the middle of something of ours. What it throws is an uncaught
 * exception of its own, as pg makes it of a callback that throws at a result, and stops nothing that others
 * wait for.
 */
export function throwingLater<Values extends unknown[]>(
  callback: (...values: Values) => unknown,
): (...values: Values) => void {
  return (...values) => {
    try {
      callback(...values);
    } catch (error) {
      throwLater(error);
    }
  };
}

/** Throws where nobody of ours is on the stack: the process hears of it. */
export function throwLater(error: unknown): void {
  soon(() => {
    throw error;
  });
}

/** Answers a query with an error. What its callback or its listeners throw, or that it has none, stops nothing of ours. */
export function tellError(query: PgQuery, error: unknown, connection: unknown): void {
  try {
    query.handleError(error, connection);
  } catch (thrown) {
    throwLater(thrown);
  }
}

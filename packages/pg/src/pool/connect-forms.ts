import { soon } from "../clock.ts";
import type { ConnectCallback, PgClient } from "../driver/pg-internals.ts";

/** There is nothing to release where nothing was given. */
export function noRelease(): void {}

/** A borrowed connection as `connect()` gives it: a promise, or the callback with its `release`. */
export function inForm(
  borrowed: Promise<PgClient>,
  callback: ConnectCallback | undefined,
): unknown {
  if (callback === undefined) return borrowed;
  borrowed.then(
    // Outside of the promise: what a callback throws is nobody's rejection.
    (client) => soon(() => callback(undefined, client, (error) => client.release?.(error))),
    (error: Error) => soon(() => callback(error, undefined, noRelease)),
  );
  return undefined;
}

/** True for whatever is called back. */
export function isCallback(value: unknown): value is (...values: unknown[]) => unknown {
  return typeof value === "function";
}

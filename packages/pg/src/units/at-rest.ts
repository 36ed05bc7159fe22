import { isSettled, isUnusable, type PgClient } from "../driver/pg-internals.ts";

/**
 * Resolves when the server has answered everything, or will answer nothing any more. Without a bound:
 * what limits a statement is the server's business and the guard's.
 */
export function whenAtRest(client: PgClient): Promise<void> {
  if (isSettled(client) || isUnusable(client)) return Promise.resolve();
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isSettled(client) && !isUnusable(client)) return;
      for (const event of EVENTS) client.removeListener(event, look);
      resolve();
    };
    for (const event of EVENTS) client.on(event, look);
  });
}

/** `drain`: pg has nothing more to send and is ready; the other two: it never will be. */
const EVENTS = ["drain", "error", "end"] as const;

import { after, cancel, soon } from "../clock.ts";
import { isSettled, isStuck, isUnusable, type PgClient } from "../driver/pg-internals.ts";

/**
 * `"busy"`: the server had not answered everything when the time was over. `"stuck"`: the server is
 * ready, and pg will never know, since something threw inside the connect callback.
 */
export type Settling = "settled" | "lost" | "busy" | "stuck";

/**
 * Waits until the server has answered everything: only then is the transaction status the truth.
 * Never waits for the *next* ReadyForQuery without looking first: TypeORM releases inside the
 * connect callback, when pg has not yet taken note of the one it is handling.
 */
export function whenSettled(client: PgClient, boundMs: number): Promise<Settling> {
  return new Promise((resolve) => {
    const { connection } = client;
    const done = (outcome: Settling): void => {
      cancel(timer);
      connection.removeListener("readyForQuery", lookSoon);
      client.removeListener("drain", lookSoon);
      client.removeListener("error", lookSoon);
      client.removeListener("end", lost);
      resolve(outcome);
    };
    const lost = (): void => done("lost");
    const look = (): void => {
      if (isUnusable(client)) done("lost");
      else if (isSettled(client)) done("settled");
      else if (isStuck(client)) done("stuck");
    };
    const lookSoon = (): void => soon(look);
    const timer = after(boundMs, () => done("busy"));

    connection.on("readyForQuery", lookSoon);
    // What pg refuses before sending it has no ReadyForQuery; its queue drains all the same.
    client.on("drain", lookSoon);
    client.on("error", lookSoon);
    client.on("end", lost);
    lookSoon();
  });
}

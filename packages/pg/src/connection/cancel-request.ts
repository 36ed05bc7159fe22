import { after, cancel } from "../clock.ts";
import { cancelConnectionOf, type PgClient } from "../driver/pg-internals.ts";

/**
 * Asks the server to cancel what the connection is running, over a socket of its own that the server
 * closes: PgBouncer 1.18 ends its process, or forgets the request, when the sender hangs up first
 * (measured; pgbouncer/pgbouncer#846). Resolves to true when the server has closed it, which it does
 * once the signal is on its way; false when the request could not be made within the bound.
 */
export function requestCancel(client: PgClient, boundMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = cancelConnectionOf(client);
    if (request === undefined) {
      resolve(false);
      return;
    }
    let isSent = false;
    const bound = after(boundMs, () => {
      isSent = false;
      request.stream.destroy();
    });
    // The socket closes next.
    request.on("error", () => undefined);
    request.once("end", () => {
      cancel(bound);
      resolve(isSent);
    });
    request.open(() => {
      isSent = true;
    });
  });
}

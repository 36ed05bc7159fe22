import { after, cancel } from "../clock.ts";
import type { PgClient } from "../driver/pg-internals.ts";

/**
 * Sends a statement, and waits for its answer for at most so many milliseconds. Where none has come by
 * then the socket is destroyed, and the statement rejects as with any other loss of its connection: TCP
 * gives a peer that has vanished about a quarter of an hour to confirm what was sent to it, and a frozen
 * server, whose kernel still confirms, for ever.
 */
export async function answeredWithin(
  client: PgClient,
  withinMs: number,
  text: string,
  values?: readonly string[],
): Promise<unknown> {
  const timer = after(withinMs, () => {
    client.connection.stream.destroy(
      new Error(`The server has not answered within ${Math.round(withinMs)} ms.`),
    );
  });
  try {
    return await client.query(text, values && [...values]);
  } finally {
    cancel(timer);
  }
}

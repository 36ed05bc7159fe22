import { activeQueryOf, type PgClient, type PgQuery } from "./pg-internals.ts";

const bound = new WeakSet<PgQuery>();

/** Takes note from now on of the connection's queries that travel as Parse, Bind, Execute. */
export function noteBoundQueries(client: PgClient): void {
  client.connection.on("bindComplete", () => {
    const active = activeQueryOf(client);
    if (active !== undefined) bound.add(active);
  });
}

/**
 * True for a query that was bound. An error in a COPY of such a query is followed by `ReadyForQuery` when a
 * Sync has come; a COPY in a simple query brings it by itself, and a Sync would bring another one
 * ([message flow of COPY](https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY)).
 */
export function isBound(query: PgQuery): boolean {
  return bound.has(query);
}

import type { PgClient, PgQuery } from "./pg-types.ts";

const early = new WeakSet<PgQuery>();

/** What of a queue went out with the login: its first statement, or nothing. */
export function sentEarly(queue: readonly PgQuery[]): readonly PgQuery[] {
  const [first] = queue;
  return first !== undefined && early.has(first) ? [first] : [];
}

/**
 * Sends the first statement of a connection that is not ready yet, behind what the login has written. pg
 * keeps it in its queue, and finds it sent when its turn comes. Returns how to take it for unsent again,
 * or `undefined` for a statement that pg refuses.
 */
export function submitEarly(client: PgClient, query: PgQuery): (() => void) | undefined {
  if (query.submit(client.connection)) return undefined;
  early.add(query);
  query.submit = () => {
    Reflect.deleteProperty(query, "submit");
    early.delete(query);
    return null;
  };
  return () => early.delete(query);
}

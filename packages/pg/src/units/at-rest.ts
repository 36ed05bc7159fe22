import { isSettled, isUnusable, type PgClient, type PgQuery } from "../driver/pg-internals.ts";

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

/**
 * The same for a query that is about to be sent and that pg answers by `handleReadyForQuery` or
 * `handleError`: no cursor, no stream. Its own answer is looked at, since three listeners added and removed
 * cost more than all else that is done around a statement.
 */
export function whenAnswered(client: PgClient, query: PgQuery): Promise<void> {
  return new Promise((resolve) => {
    const { handleReadyForQuery, handleError } = query;
    const look = (): void => {
      // After an error the server is not ready yet, and a connection that is lost never is.
      if (isSettled(client)) resolve();
      else void whenAtRest(client).then(resolve);
    };
    query.handleReadyForQuery = (connection) => {
      handleReadyForQuery.call(query, connection);
      look();
    };
    query.handleError = (error, connection) => {
      handleError.call(query, error, connection);
      look();
    };
  });
}

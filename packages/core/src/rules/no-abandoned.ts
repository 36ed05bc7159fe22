import type { Rule } from "../rule.ts";

/**
 * A client-side limit is no cancel: the caller gets an error while the statement goes on at the
 * server, and through PgBouncer the server connection is thrown away with it (measured).
 */
export const noAbandoned: Rule = {
  id: "statements/no-abandoned",
  severity: "error",
  atRuntime: true,
  *check({ abandonQueryAfterMs }) {
    if (abandonQueryAfterMs === undefined) return;
    const { value, path } = abandonQueryAfterMs;
    yield {
      message: `After ${value} ms the client stops waiting, while the statement goes on at the server with all its locks.`,
      help: "Move it to `transaction.statementTimeoutMs`, which ends the statement itself.",
      path,
    };
  },
};

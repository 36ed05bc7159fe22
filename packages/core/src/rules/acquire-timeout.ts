import type { Rule } from "../rule.ts";

/**
 * pg-pool waits for ever unless it is told otherwise, and so does everything built on it: a pool that
 * leaks turns into a service that hangs instead of one that fails.
 */
export const acquireTimeout: Rule = {
  id: "connections/acquire-timeout",
  severity: "error",
  *check({ acquireTimeoutMs: { value, path } }, { policy }) {
    const most = policy.connections.acquireTimeoutMs;
    if (!Number.isFinite(value)) {
      yield {
        message:
          "A request waits for ever when no connection is free, so that a leak becomes a service that hangs.",
        help: `Set a limit for the wait, such as ${most} ms.`,
        path,
      };
    } else if (value > most && policy.isEnforced("connections.acquireTimeoutMs")) {
      yield {
        message: `A request waits ${value} ms for a connection, and the policy allows ${most} ms.`,
        help: `Set the limit to ${most} ms or less.`,
        path,
      };
    }
  },
};

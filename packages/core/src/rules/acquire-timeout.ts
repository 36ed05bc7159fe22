import type { Rule } from "../rule.ts";
import { helpOf } from "../help.ts";

/**
 * pg-pool waits for ever unless it is told otherwise, and so does everything built on it: a pool that
 * leaks turns into a service that hangs instead of one that fails.
 */
export const acquireTimeout: Rule = {
  id: "connections/acquire-timeout",
  severity: "error",
  atRuntime: true,
  *check({ acquireTimeoutMs: { value, path, key }, remedy }, { policy }) {
    const most = policy.connections.acquireTimeoutMs;
    if (!Number.isFinite(value)) {
      yield {
        message:
          "A request waits for ever when no connection is free, so that a leak becomes a service that hangs.",
        help: helpOf(
          remedy,
          key === undefined
            ? `Set a limit for the wait, such as ${most} ms.`
            : `Set \`${key}: ${most}\`.`,
        ),
        path,
      };
    } else if (value > most && policy.isEnforced("connections.acquireTimeoutMs")) {
      yield {
        message: `A request waits ${value} ms for a connection, and the policy allows ${most} ms.`,
        help: helpOf(
          remedy,
          key === undefined
            ? `Set the limit to ${most} ms or less.`
            : `Set \`${key}: ${most}\`, or less.`,
        ),
        path,
      };
    }
  },
};

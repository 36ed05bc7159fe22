import type { Rule } from "../rule.ts";
import { helpOf } from "../help.ts";

/**
 * A client-side pool in front of a pooler keeps client slots that it is not using, and hides from the
 * pooler how many it needs.
 *
 * `max` cannot express "none": node-postgres reads `max: 0` as unset and falls back to 10, so the
 * rule looks at how often a connection is reused instead.
 */
export const noClientPool: Rule = {
  id: "connections/no-client-pool",
  severity: "error",
  atRuntime: false,
  *check({ poolMax, usesPerConnection, coverage, remedy }, { reuse }) {
    if (reuse === "pool" || usesPerConnection.value === 1) return;
    const many = Number.isFinite(poolMax.value) ? `Up to ${poolMax.value}` : "Any number of";
    yield {
      message: `${many} connections stay open between queries, and each one keeps a client slot of the pooler.`,
      help:
        coverage === "configured"
          ? 'Move this client to a JavaScript driver, or set `connections.reuse: "pool"`: its engine keeps its connections.'
          : helpOf(
              remedy,
              `Set \`${usesPerConnection.key ?? "maxUses"}: 1\`, so that each connection is closed after one use.`,
            ),
      path: usesPerConnection.path,
    };
  },
};

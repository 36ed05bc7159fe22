import type { LaneInUse } from "@doorpolicy/core";

import type { Keeping } from "./pool-host.ts";

/** How a pool keeps its connections: as its options say after the policy has been applied to them. */
export function keepingOf(options: Readonly<Record<string, unknown>>, lane: LaneInUse): Keeping {
  const { maxPerProcess, lingerMs } = lane.policy.connections;
  const isKept = lane.reuse === "pool";
  const max = Number(options["max"]);
  return {
    max,
    gateMax: Math.max(max, maxPerProcess),
    acquireTimeoutMs: Number(options["connectionTimeoutMillis"]),
    // pg-pool reads 0 as "never".
    idleMs: isKept ? Number(options["idleTimeoutMillis"]) || Infinity : lingerMs,
    min: isKept ? Number(options["min"] ?? 0) : 0,
    maxLifetimeMs: Number(options["maxLifetimeSeconds"]) * 1_000 || Infinity,
    // Where nothing is kept, 1 is the mark of that, and no count: a connection is handed on there as well.
    maxUses: isKept ? Number(options["maxUses"]) || Infinity : Infinity,
    isUnrefed: isKept,
  };
}

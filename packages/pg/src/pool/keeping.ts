import type { LaneInUse } from "@doorpolicy/core";

import { attemptLimit } from "../retry/connect-retry.ts";
import type { Keeping } from "./pool-host.ts";

/** A timer that is set for longer fires at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** How a pool keeps its connections: as its options say after the policy has been applied to them. */
export function keepingOf(options: Readonly<Record<string, unknown>>, lane: LaneInUse): Keeping {
  const { maxPerProcess, lingerMs, connectRetry } = lane.policy.connections;
  const isKept = lane.reuse === "pool";
  const max = Number(options["max"]);
  const acquireTimeoutMs = Number(options["connectionTimeoutMillis"]);
  return {
    max,
    gateMax: Math.max(max, maxPerProcess),
    acquireTimeoutMs,
    attemptMs: connectRetry ? attemptLimit(acquireTimeoutMs) : acquireTimeoutMs,
    // pg-pool reads 0 as "never".
    idleMs: isKept ? milliseconds(Number(options["idleTimeoutMillis"])) : lingerMs,
    min: isKept ? Number(options["min"] ?? 0) : 0,
    maxLifetimeMs: milliseconds(Number(options["maxLifetimeSeconds"]) * 1_000),
    // Where nothing is kept, 1 is the mark of that, and no count: a connection is handed on there as well.
    maxUses: isKept ? Number(options["maxUses"]) || Infinity : Infinity,
    isUnrefed: isKept,
    connectRetry,
  };
}

/** A limit as a service wrote it; what is not above 0 is none. */
function milliseconds(given: number): number {
  return given > 0 ? Math.min(given, MAX_TIMER_MS) : Infinity;
}

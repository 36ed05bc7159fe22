import {
  definePolicy,
  type LaneChoice,
  laneInUse,
  type LaneInUse,
  type Policy,
  type ResolvedPolicy,
  resolvePolicy,
} from "@doorpolicy/core";

/** The name of every connection in these tests. */
export const NAME = "billing:deploy@web-1";

const BASE: Policy = {
  mode: "enforce",
  naming: { app: "billing", user: "deploy", host: "web-1" },
  connections: { maxPerProcess: 20, acquireTimeoutMs: 1_500 },
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.18" } } },
};

/** A policy that no machine has a part in. */
export function policyOf(policy: Policy = {}): ResolvedPolicy {
  return resolvePolicy(definePolicy({ ...BASE, ...policy }), {
    environment: {},
    identity: { hostName: "web-1.example.org", processId: 7 },
    today: "2026-01-01",
  });
}

/** A lane of such a policy. */
export function laneOf(policy: Policy = {}, choice: LaneChoice = {}): LaneInUse {
  return laneInUse(policyOf(policy), choice);
}

/** The target `main` behind a PgBouncer of this version. */
export function behindPgBouncer(version: string): Policy {
  return { targets: { main: { pooler: { kind: "pgbouncer", version } } } };
}

import {
  laneInUse,
  type LaneChoice,
  type LaneInUse,
  type Policy,
  resolvePolicy,
} from "@doorpolicy/core";

/** A lane of a policy, resolved for a process that does not exist. */
export function laneOf(policy: Policy = {}, choice?: LaneChoice): LaneInUse {
  const resolved = resolvePolicy(
    { naming: { app: "billing", user: "deploy", host: "web-1" }, ...policy },
    { environment: {}, identity: { hostName: "web-1", processId: 7 } },
  );
  return laneInUse(resolved, choice);
}

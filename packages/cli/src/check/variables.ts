import type { LaneChoice, LaneUrl, ResolvedPolicy } from "@doorpolicy/core";

/** Names that say that a URL leads around the pooler. */
const DIRECT_NAME = /DIRECT|MIGRAT|SHADOW|UNPOOLED|NON_POOLING|ADMIN/i;

/** The lane that a policy takes a variable for by `env("NAME")`; `undefined` when it names another. */
export function laneOfVariable(name: string, policy: ResolvedPolicy): LaneChoice | undefined {
  for (const { name: target, lanes } of Object.values(policy.targets)) {
    if (variableOf(lanes.pooled) === name) return { target, lane: "pooled" };
    if (variableOf(lanes.direct) === name) return { target, lane: "direct" };
    if (lanes.replicas.some((replica) => variableOf(replica) === name)) {
      return { target, lane: "pooled" };
    }
  }

  return undefined;
}

/** What the name of a variable that no policy mentions says: around the pooler, else through it. */
export function laneOfName(name: string): LaneChoice {
  return { lane: DIRECT_NAME.test(name) ? "direct" : "pooled" };
}

/** The policy was resolved without this file; its variable may be unset there, or set otherwise. */
function variableOf(url: LaneUrl): string | undefined {
  return url.url === undefined
    ? /\bvariable (\S+) of /.exec(url.missing)?.[1]
    : /^env (\S+)$/.exec(url.from)?.[1];
}

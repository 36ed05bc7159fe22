import type { Capability } from "./capability.ts";
import type { Finding } from "./diagnostic.ts";
import type { ClientFacts } from "./facts.ts";
import type { LaneInUse } from "./lane.ts";
import type { CheckLevel } from "./policy.ts";
import type { ResolvedPolicy, ResolvedTarget } from "./resolved-policy.ts";

/** What a rule may ask beside the facts. Capabilities, never versions or names. */
export interface RuleContext {
  readonly policy: ResolvedPolicy;
  readonly target: ResolvedTarget;
  /** What happens on the lane in use to a connection that nobody is using. */
  readonly reuse: LaneInUse["reuse"];
  /** Whether the lane in use has the capability; the direct lane has what Postgres itself has. */
  readonly has: (capability: Capability) => boolean;
}

/** One value that looks at facts and yields findings. File name = export = last part of the id. */
export interface Rule {
  /** `group/name`; never renamed. */
  readonly id: string;
  /** What it weighs in the static check unless a policy says otherwise. */
  readonly severity: Exclude<CheckLevel, "off">;
  /** Whether a running client or driver looks for it too, so that a policy can set its `runtime`. */
  readonly atRuntime: boolean;
  check(facts: ClientFacts, context: RuleContext): Iterable<Finding>;
}

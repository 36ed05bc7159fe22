import type { Capability } from "../capability.ts";
import type { PoolerSettings } from "../policy.ts";
import type { PoolMode } from "../pooler.ts";

/** What of a deployed pooler decides whether it has a capability, beside its version. */
export interface Deployment {
  readonly mode: PoolMode;
  readonly settings: PoolerSettings;
}

/** One thing that a pooler can do. A capability may have several steps; one that holds is enough. */
export interface Step {
  readonly capability: Capability;
  /** The first version that has it; absent where every version has it that is still met. */
  readonly since?: string;
  /** Where the fact was learnt; what was run here says "measured", all else is the pooler's own word. */
  readonly source: string;
  /** Whether the pooler is deployed so that it has it. */
  readonly when?: (deployment: Deployment) => boolean;
}

/** All that is known of one kind of pooler. What is not listed, it cannot do. */
export interface PoolerProfile {
  readonly steps: readonly Step[];
  /** Whether `settings.ignoreStartupParameters` decides something there. @default false */
  readonly hasIgnoreList?: boolean;
}

/** A parameter that is accepted at startup, takes effect, and stays with its client when it is set. */
export function followed(name: string, fact: Omit<Step, "capability">): readonly Step[] {
  return [
    { ...fact, capability: `accepts-startup-parameter:${name}` },
    { ...fact, capability: `tracks-parameter:${name}` },
  ];
}

/** Several capabilities that were learnt together. */
export function together(
  capabilities: readonly Capability[],
  fact: Omit<Step, "capability">,
): readonly Step[] {
  return capabilities.map((capability) => ({ ...fact, capability }));
}

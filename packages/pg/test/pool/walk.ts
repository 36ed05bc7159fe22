import type { ResolvedConnections } from "@doorpolicy/core";

import type { CountedPool, PoolActor, PoolStage } from "./pool-stage.ts";

/** Kept for as long as a test lasts. */
export const KEPT = { reuse: "pool" } as const;

/** How the tests of one state get at the pools of their stage, with one pg. */
export interface Walk {
  readonly stage: () => PoolStage;
  readonly actor: (connections?: Partial<ResolvedConnections>) => PoolActor;
  /** A pool over the wire, so that the test decides when a server's answer arrives. */
  readonly wired: (connections?: Partial<ResolvedConnections>) => CountedPool;
}

export function walkOf(name: string, stage: () => PoolStage): Walk {
  const actor = (connections: Partial<ResolvedConnections> = {}): PoolActor =>
    stage().actor({ maxPerProcess: 2, lingerMs: 0, ...connections }, { module: name });
  return {
    stage,
    actor,
    wired: (connections) =>
      actor(connections).pool({
        connectionString: stage().wire.url(stage().world.bed.urls.pooled),
      }),
  };
}

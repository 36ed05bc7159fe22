import type { LaneInUse, PolicyError } from "@doorpolicy/core";

import { applyToPoolConfig, type PoolConfigInput, sayChanges } from "./config/index.ts";
import { withLaneUrl } from "./startup/lane-config.ts";

type AnyPool = new (options?: object | string) => object;

const said = new WeakSet<object>();

/**
 * A pg that cannot be guarded, for bypass: an incident is no time to refuse to start. Its pools take
 * name, cap and acquire limit as options, which any `pg` understands; its clients stay as they are. Says
 * once for each module that nothing is guarded.
 */
export function unguarded(
  module: { readonly Client: unknown; readonly Pool: unknown },
  lane: LaneInUse,
  reason: PolicyError,
): { readonly Client: unknown; readonly Pool: unknown } {
  const { Client, Pool } = module;
  if (!said.has(module)) {
    said.add(module);
    const text = reason.message.slice(0, -reason.hint.length).trim();
    process.emitWarning(
      `Target ${lane.target.name} runs unguarded: ${text} A transaction that is left open reaches the next caller. ${reason.hint}`,
      { type: "DoorpolicyWarning", code: "DOORPOLICY_UNGUARDED" },
    );
  }
  return { Client, Pool: isConstructor(Pool) ? namedPool(Pool, lane) : Pool };
}

function namedPool(Base: AnyPool, lane: LaneInUse): AnyPool {
  return class NamedPool extends Base {
    constructor(options?: PoolConfigInput) {
      const located = withLaneUrl(options, lane);
      const { config, changes } = applyToPoolConfig(located, lane, {
        environment: process.env,
      });
      sayChanges("pg", lane, changes);
      super(config);
    }
  };
}

function isConstructor(value: unknown): value is AnyPool {
  return typeof value === "function" && "prototype" in value;
}

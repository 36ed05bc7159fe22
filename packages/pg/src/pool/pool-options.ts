import { applyToPoolConfig, type PoolConfigInput, sayChanges } from "../config/index.ts";
import { isClientClass, type PgClientConstructor } from "../driver/pg-internals.ts";
import { guardClientClass, isGuardedClass } from "../guarded-client.ts";
import type { Guard } from "../guard.ts";
import { withLaneUrl } from "../startup/lane-config.ts";

/** What a pool is made with: the service's options with the policy applied to them, and the change said. */
export function poolOptions(
  given: PoolConfigInput,
  GuardedClient: PgClientConstructor,
  guard: Guard,
): object {
  const { lane } = guard;
  const located = withLaneUrl(given, lane);
  const { config, changes } = applyToPoolConfig(located, lane, { environment: process.env });
  sayChanges("pg", lane, changes);
  const { Client } = config;
  // A class that the service brings keeps what it adds, and is guarded as well.
  config["Client"] = isClientClass(Client) ? guardedVersion(Client, guard) : GuardedClient;
  return config;
}

function guardedVersion(Client: PgClientConstructor, guard: Guard): PgClientConstructor {
  return isGuardedClass(Client) ? Client : guardClientClass(Client, guard);
}

import type { LaneInUse } from "@doorpolicy/core";

import {
  copyPoolConfig,
  hasConnection,
  laneConnection,
  type PoolConfigInput,
} from "../config/index.ts";

/**
 * The config, with the URL of the lane where it does not say where to connect: `new Pool()` then goes
 * to the policy's target and not to whatever listens on localhost. Untouched where it does, and where
 * PGHOST does. Throws `PolicyError` `policy/missing-url` where nobody does.
 */
export function withLaneUrl(config: PoolConfigInput, lane: LaneInUse): PoolConfigInput {
  if (typeof config === "string" || (config !== undefined && hasConnection(config))) return config;
  const connection = laneConnection(lane);
  if (connection === undefined) {
    // The lane says in its own words which variable is missing.
    if (!process.env["PGHOST"]) lane.url();
    return config;
  }
  const copy = copyPoolConfig(config);
  copy["connectionString"] = connection.connectionString;
  return copy;
}

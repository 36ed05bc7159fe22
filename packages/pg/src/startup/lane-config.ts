import { type LaneInUse, readConnectionUrl } from "@doorpolicy/core";

import {
  copyPoolConfig,
  hasConnection,
  laneConnection,
  type PoolConfigInput,
} from "../config/index.ts";
import { valueOf } from "../config/pool-config.ts";

/**
 * The config, with the URL of the lane where it does not say where to connect: `new Pool()` then goes
 * to the policy's target and not to whatever listens on localhost. Untouched where it does; PGHOST does
 * where the policy has no URL. Throws `PolicyError` `policy/missing-url` where nobody does, and
 * `url/unsupported` for a URL whose encoded bytes are no text: pg would end with a `URIError` that does not
 * say of what.
 */
export function withLaneUrl(config: PoolConfigInput, lane: LaneInUse): PoolConfigInput {
  if (typeof config === "string" || (config !== undefined && hasConnection(config))) {
    const url: unknown = typeof config === "string" ? config : valueOf(config, "connectionString");
    if (typeof url === "string" && url.includes("%") && !url.startsWith("/"))
      readConnectionUrl(url);
    return config;
  }
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

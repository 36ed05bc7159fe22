import type { LaneInUse } from "@doorpolicy/core";

/** The URL of a lane, in clear for the driver, and what its user calls it. */
export interface LaneConnection {
  readonly connectionString: string;
  /** Where it came from, such as `env DATABASE_URL`. */
  readonly from: string;
}

/**
 * The URL of a lane, for options that do not say where to connect; `undefined` where the policy has
 * none. Of several replicas the first.
 */
export function laneConnection({ target, lane }: LaneInUse): LaneConnection | undefined {
  const source = lane === "replica" ? target.lanes.replicas[0] : target.lanes[lane];
  return source?.url === undefined
    ? undefined
    : { connectionString: source.url.reveal(), from: source.from };
}

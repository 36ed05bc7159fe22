import type { LaneInUse } from "@doorpolicy/core";
import { hasConnection, laneConnection } from "@doorpolicy/pg";

import { poolConfigOf, type PostgresOptions } from "./options.ts";

/** Options that say where to connect, and what their URL is called where it came from the policy. */
export interface ConnectedOptions {
  readonly options: PostgresOptions;
  readonly urlName?: string;
}

/** True where the options themselves say where to connect. */
export function connectsItself(options: PostgresOptions): boolean {
  return options.replication !== undefined || hasConnection(poolConfigOf(options, options));
}

/** The options with the URL of the lane, where they have none of their own and the policy has one. */
export function withLaneUrl(
  options: PostgresOptions,
  lane: LaneInUse | undefined,
): ConnectedOptions {
  const connection =
    lane === undefined || connectsItself(options) ? undefined : laneConnection(lane);
  if (connection === undefined) return { options };
  return { options: { ...options, url: connection.connectionString }, urlName: connection.from };
}

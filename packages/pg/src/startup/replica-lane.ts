import type { Lane, Place } from "@doorpolicy/core";

import type { PoolConfigInput } from "../config/index.ts";
import type { Guard } from "../guard.ts";

/** Where replicas are, by the guard of the primary. Only what an adapter knows for a replica's is in it. */
const places = new WeakMap<Guard, Set<string>>();

/**
 * The lane of a connection: an ORM with replicas has one guarded module, of the pooled lane, for them and the
 * primary. Where a replica is found to be is remembered for {@link laneOfPlace}.
 */
export function laneOfConfig(guard: Guard, config: PoolConfigInput, place: Place): Lane {
  const { lane } = guard.lane;
  if (lane !== "pooled" || typeof config !== "object") return lane;
  if (!guard.isReplica({ ...config })) return lane;
  const known = places.get(guard) ?? new Set();
  places.set(guard, known.add(placeText(place)));
  return "replica";
}

/** The lane of a connection that is known by where it leads. */
export function laneOfPlace(guard: Guard, place: Place): Lane {
  return places.get(guard)?.has(placeText(place)) === true ? "replica" : guard.lane.lane;
}

/** With what pg falls back to. */
export function placeText({ host = "localhost", port = "5432" }: Place): string {
  return `${host}:${port}`;
}

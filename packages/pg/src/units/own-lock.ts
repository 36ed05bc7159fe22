import { type LaneInUse, laneInUse, PolicyError } from "@doorpolicy/core";

import type { SqlKey } from "../direct/advisory-key.ts";
import { placeText } from "../direct/place.ts";
import { sharedState } from "../registry.ts";

/** Whether two keys are one lock to PostgreSQL, whatever they were given as. */
export function isSameLock(one: SqlKey, other: SqlKey): boolean {
  return partOfId(one) === partOfId(other);
}

/**
 * Refuses a lock with BEGIN that `withAdvisoryLock()` around the caller holds. They are two sessions to
 * PostgreSQL, so that the transaction would wait for a lock which its own caller gives back after it; no
 * deadlock is found, because the other session only idles, and without a lock limit it never ends.
 *
 * In one database only: others have locks of their own. Where the policy does not say where the target's locks
 * are taken, the key alone counts.
 *
 * @throws PolicyError `unit/invalid`.
 */
export function refuseOwnLock(key: SqlKey, lane: LaneInUse): void {
  const part = partOfId(key);
  for (let own = sharedState().locks?.getStore(); own !== undefined; own = own.outer) {
    if (own.lock.isOver || !own.id.endsWith(part)) continue;
    const place = placeOfLocks(lane);
    if (place !== undefined && own.id !== `${place}${part}`) continue;
    throw new PolicyError(
      "unit/invalid",
      "A transaction() is to take an advisory lock that is held by the `withAdvisoryLock()` around it, on another connection: it would wait for itself.",
      {
        path: "advisoryLock",
        hint: "Leave `advisoryLock` out: the lock around it keeps the others out already.",
      },
    );
  }
}

/** The end of the id that `withAdvisoryLock()` gives its locks, behind their place. */
function partOfId({ placeholders, values }: SqlKey): string {
  return `/${placeholders}/${values.join()}`;
}

/** Where `withAdvisoryLock()` takes the locks of a target unless it is told another `connection`. */
function placeOfLocks({ policy, target: { name } }: LaneInUse): string | undefined {
  const direct = laneInUse(policy, { target: name, lane: "direct" });
  if (direct.target.lanes.direct.url !== undefined) return placeText(direct, {});
  const pooled = laneInUse(policy, { target: name, lane: "pooled" });
  return pooled.has("session-state") ? placeText(pooled, {}) : undefined;
}

import { PolicyError } from "@doorpolicy/core";

import type { Guard } from "../guard.ts";
import type { GateHolder } from "./gate.ts";
import type { PoolCounters } from "./pool-counters.ts";

/** So many holders are named in a message; the rest is counted. */
const MOST_NAMED = 5;

/** What a pool was doing when somebody got no connection in time. */
export interface PoolState {
  readonly max: unknown;
  readonly limitMs: unknown;
  readonly counters: PoolCounters;
  /** Whoever has a connection at the same gate. */
  readonly holders: Iterable<GateHolder>;
  readonly cause: unknown;
}

/** Says who holds what, since when, from where and in which unit; reports it as well. */
export function acquireTimeoutError(guard: Guard, state: PoolState): PolicyError {
  const rule = "connections/acquire-timeout";
  const { counters } = state;
  const holders = [...state.holders].toSorted((one, other) => one.takenAt - other.takenAt);
  const [oldest, ...others] = holders;
  const message =
    `No connection within ${String(state.limitMs)} ms: ${holders.length} of ${String(state.max)} are in use and ${counters.waiting} more callers wait.` +
    (oldest === undefined ? "" : ` The oldest has been held for ${oldest.describe()}.`) +
    namedOthers(others) +
    soFar(counters);
  const help =
    oldest === undefined
      ? "Check that the server answers, and set a longer `connections.acquireTimeoutMs` if it is slow to."
      : "Release connections sooner, take one at a time, or raise `connections.maxPerProcess`.";
  if (guard.response(rule) !== "nothing") guard.report({ rule, action: "reported", message, help });
  return new PolicyError("connection/acquire-timeout", message, { hint: help, cause: state.cause });
}

/** Whether the pool moves at all. */
function soFar({ connecting, closing, opened, failed, closed, handedOver }: PoolCounters): string {
  return ` ${connecting} are being opened and ${closing} closed; so far this pool has opened ${opened}, failed to open ${failed}, closed ${closed}, and handed ${handedOver} from one caller to the next.`;
}

function namedOthers(others: readonly GateHolder[]): string {
  if (others.length === 0) return "";
  const named = others.slice(0, MOST_NAMED - 1).map((one) => one.describe());
  const more = others.length - named.length;
  return ` The others: ${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`;
}

/** For whoever still waits when a pool is ended. */
export function endedWhileWaiting(cause: unknown): PolicyError {
  return new PolicyError(
    "connection/pool-ended",
    "The pool was ended while this caller waited for a connection.",
    { hint: "End the pool after the last statement.", cause },
  );
}

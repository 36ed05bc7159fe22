import type { DirectChoice } from "./direct-lane.ts";
import {
  checkedOptions,
  invalid,
  isMilliseconds,
  MILLISECONDS,
  type Problem,
  problemOfConnection,
} from "./options.ts";

/** One `NOTIFY`. */
export interface Notification {
  readonly channel: string;
  /** `""` where it was sent without one. PostgreSQL takes less than 8000 bytes. */
  readonly payload: string;
  /** The backend that sent it; its own sessions hear themselves. */
  readonly processId: number;
}

/** A time in which nobody listened. */
export interface ListenGap {
  /** From the loss of the connection, as far as it was noticed, until it listened again. Milliseconds. */
  readonly lastedMs: number;
  /** How many times it was tried, the one that succeeded included. */
  readonly attempts: number;
  /** Why the connection was lost. */
  readonly cause: unknown;
}

/**
 * What `listen()` takes. Times in milliseconds. The functions are called outside of every unit of work
 * and in the async context of whoever called `listen()`; what they throw, or reject with, is a process
 * warning (`DOORPOLICY_LISTENER`) and ends nothing.
 */
export interface ListenOptions extends DirectChoice {
  /** Taken literally: `"Jobs"` is what `pg_notify('Jobs', …)` and `NOTIFY "Jobs"` send to. */
  readonly channels: readonly string[];
  /** Called for each notification, in the order of the server. It is not waited for. */
  readonly onNotification: (notification: Notification) => unknown;
  /**
   * Called when it listens again after a loss. PostgreSQL keeps no notification for who is not there:
   * whatever was sent in between is gone, so read what it would have told about.
   */
  readonly onGap: (gap: ListenGap) => unknown;
  /**
   * Called when the connection is lost, and for each try to get another one that fails.
   *
   * @default a process warning (`DOORPOLICY_LISTENER`), once for each loss
   */
  readonly onError?: (error: unknown) => unknown;
  /**
   * Longest time until a connection that has died in silence is noticed. Of one that is closed it is
   * noticed at once.
   *
   * @default 20_000
   */
  readonly livenessTimeoutMs?: number;
  /**
   * Longest wait between two tries to connect. The first comes after at most 100 ms, each further one
   * after twice the wait before, less up to a half by chance. It is tried until it is closed.
   *
   * @default 10_000
   */
  readonly maxDelayMs?: number;
  /** Aborted, it closes the listener; before it listens, `listen()` rejects at once with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Complete options of a listener. */
export interface CheckedListenOptions extends ListenOptions {
  readonly livenessTimeoutMs: number;
  readonly maxDelayMs: number;
}

const aFunction: Problem = (value) => (typeof value === "function" ? undefined : "a function");
const milliseconds: Problem = (value) => (isMilliseconds(value) ? undefined : MILLISECONDS);

/** @throws PolicyError `direct/invalid` naming the key and what is allowed. */
export function checkedListenOptions(given: ListenOptions): CheckedListenOptions {
  const checked = checkedOptions<ListenOptions>("listen", given, {
    channels: (value) => (Array.isArray(value) ? undefined : "a list of channels"),
    onNotification: aFunction,
    onGap: aFunction,
    onError: aFunction,
    target: (value) => (typeof value === "string" ? undefined : "the name of a target"),
    connection: problemOfConnection,
    livenessTimeoutMs: milliseconds,
    maxDelayMs: milliseconds,
    signal: (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal"),
  });
  for (const key of ["onNotification", "onGap"] as const) {
    if (checked[key] !== undefined) continue;
    throw invalid(key, `\`listen()\` got no \`${key}\`.`, `Pass a function as \`${key}\`.`);
  }
  return { livenessTimeoutMs: 20_000, maxDelayMs: 10_000, ...checked };
}

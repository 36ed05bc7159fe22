import { checkedOptions, isMilliseconds, MILLISECONDS, problemOfConnection } from "./options.ts";
import type { DirectChoice } from "./direct-lane.ts";

/** What `withAdvisoryLock()` takes. Times in milliseconds. */
export interface AdvisoryLockOptions extends DirectChoice {
  /**
   * Tries once: where somebody else has the lock, the call rejects with `lock/not-acquired` at once. For
   * a job that is to be skipped when another process does it already.
   *
   * @default false
   */
  readonly tryOnly?: boolean;
  /**
   * Longest wait for the lock. Always finite. It is tried a last time when it is over: then a connection is
   * waited for up to `acquireTimeoutMs`, and the server's answer for 1 s.
   *
   * @default 30_000
   */
  readonly waitTimeoutMs?: number;
  /**
   * Longest time until a connection that has died in silence is noticed, and the lock with it, or the asking
   * for it. Of one that is closed, or whose backend is terminated, it is noticed at once.
   *
   * @default 20_000
   */
  readonly livenessTimeoutMs?: number;
  /**
   * Aborted while it waits for the lock: rejects at once with the signal's reason. Aborted while the function
   * runs: its own signal is aborted with the same reason, and the lock is held until it has settled.
   */
  readonly signal?: AbortSignal;
}

/** Complete options of a lock. */
export interface CheckedLockOptions extends DirectChoice {
  readonly tryOnly: boolean;
  readonly waitTimeoutMs: number;
  readonly livenessTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws PolicyError `direct/invalid` naming the key, its value and what is allowed. */
export function checkedLockOptions(given: AdvisoryLockOptions): CheckedLockOptions {
  const { signal, ...rest } = checkedOptions<AdvisoryLockOptions>("withAdvisoryLock", given, {
    target: (value) => (typeof value === "string" ? undefined : "the name of a target"),
    connection: problemOfConnection,
    tryOnly: (value) => (typeof value === "boolean" ? undefined : "true or false"),
    waitTimeoutMs: (value) => (isMilliseconds(value) ? undefined : MILLISECONDS),
    livenessTimeoutMs: (value) => (isMilliseconds(value) ? undefined : MILLISECONDS),
    signal: (value) => (value instanceof AbortSignal ? undefined : "an AbortSignal"),
  });
  return { tryOnly: false, waitTimeoutMs: 30_000, livenessTimeoutMs: 20_000, ...rest, signal };
}

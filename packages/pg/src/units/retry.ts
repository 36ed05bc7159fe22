import { explainError } from "@doorpolicy/core";

import { pause } from "../direct/backoff.ts";
import type { RetryOptions } from "./options.ts";

/** Longest wait between two runs, in milliseconds. */
const MOST_MS = 5_000;

/** Whatever the server said in the end, what was sent before may have been done. */
const OUTCOME_UNKNOWN: ReadonlySet<string> = new Set([
  "policy.transaction/outcome-unknown",
  "policy.statement/outcome-unknown",
]);

const AGAIN: ReadonlySet<string> = new Set(["server.serialization-failure", "server.deadlock"]);

/**
 * True for a serialization failure or a deadlock, whatever ORM has wrapped it: the server has rolled
 * the transaction back for certain, and says that it may succeed the next time. False where the outcome is
 * unknown, whatever the error carries as its cause.
 */
export function isRetryable(error: unknown): boolean {
  const seen = new Set<unknown>();
  for (let one = error; one instanceof Error && !seen.has(one); one = one.cause) {
    seen.add(one);
    const { kind = "" } = explainError(one) ?? {};
    if (OUTCOME_UNKNOWN.has(kind)) return false;
    if (AGAIN.has(kind)) return true;
  }
  return false;
}

/**
 * Waits before the next run: longer each time, and not in step with whoever failed at the same time. An
 * aborted signal ends the wait, also one that was aborted before.
 */
export function retryDelay(
  { delayMs = 0 }: RetryOptions,
  run: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const longest = Math.min(MOST_MS, delayMs * 2 ** (run - 1));
  return pause(Math.random() * longest, signal);
}

import { explainError } from "@doorpolicy/core";

import { onAbort } from "../abort-signal.ts";
import { after, cancel } from "../clock.ts";
import type { RetryOptions } from "./options.ts";

/** Longest wait between two runs, in milliseconds. */
const MOST_MS = 5_000;

const AGAIN: ReadonlySet<string> = new Set(["server.serialization-failure", "server.deadlock"]);

/**
 * True for a serialization failure or a deadlock, whatever ORM has wrapped it: the server has rolled
 * the transaction back for certain, and says that it may succeed the next time.
 */
export function isRetryable(error: unknown): boolean {
  const seen = new Set<unknown>();
  for (let one = error; one instanceof Error && !seen.has(one); one = one.cause) {
    seen.add(one);
    if (AGAIN.has(explainError(one)?.kind ?? "")) return true;
  }
  return false;
}

/**
 * Waits before the next run: longer each time, and not in step with whoever failed at the same time. An
 * aborted signal ends the wait.
 */
export function retryDelay(
  { delayMs = 0 }: RetryOptions,
  run: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const longest = Math.min(MOST_MS, delayMs * 2 ** (run - 1));
  return new Promise((resolve) => {
    const done = (): void => {
      cancel(timer);
      forget?.();
      resolve();
    };
    const forget = signal && onAbort(signal, done);
    const timer = after(Math.random() * longest, done);
    timer.ref();
  });
}

import { afterHolding, cancel, now } from "../clock.ts";
import { onAbort } from "../abort-signal.ts";

/** How long to wait before trying again, in milliseconds. */
export interface Backoff {
  /** Before the second try. */
  readonly firstMs: number;
  /** Each wait is twice the one before, up to this. */
  readonly mostMs: number;
}

/**
 * The wait before try number `attempt + 1`, from half of what is due up to all of it, by chance: processes
 * that have lost the same server at the same moment do not come back at the same moment.
 */
export function delayBefore({ firstMs, mostMs }: Backoff, attempt: number): number {
  const due = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return due * (0.5 + Math.random() / 2);
}

/**
 * Resolves after so many milliseconds, or at once when the signal is aborted. It holds the process:
 * whoever waits here means to go on.
 */
export function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = afterHolding(Math.max(0, delayMs), done);
    const forget = signal && onAbort(signal, done);
    function done(): void {
      cancel(timer);
      forget?.();
      resolve();
    }
  });
}

/** Milliseconds from now until a moment of the monotonic clock; never negative. */
export function leftUntil(moment: number): number {
  return Math.max(0, moment - now());
}

import type { Sample } from "../method/experiment.ts";
import { quantile } from "../method/statistics.ts";

/** How often due callers are looked for: one timer for all, because thousands of timers are a load of their own. */
const TICK_MS = 5;

/** Callers who ask when their time has come, whether or not others have been answered. */
export interface OpenLoop {
  readonly callers: number;
  /** Mean time between two statements of one caller; the times between are distributed exponentially. */
  readonly everyMs: number;
  readonly forMs: number;
  readonly ask: () => Promise<unknown>;
}

/**
 * `achieved` is the share of the statements that were due which were answered within the time; `p50` and
 * `p99`, in microseconds, are of the time from when one was due, so that a queue in front of the pool
 * counts.
 */
export async function openLoop({ callers, everyMs, forMs, ask }: OpenLoop): Promise<Sample> {
  const waits: number[] = [];
  const running = new Set<Promise<void>>();
  const start = performance.now();
  const due = Array.from({ length: callers }, () => start + thinkTime(everyMs));
  const end = start + forMs;
  let offered = 0;
  let answered = 0;
  const askAt = async (time: number): Promise<void> => {
    await ask();
    const now = performance.now();
    waits.push(now - time);
    if (now <= end) answered += 1;
  };
  const meet = (now: number): void => {
    for (const [caller, time] of due.entries()) {
      let next = time;
      for (; next <= now && next < end; next += thinkTime(everyMs)) {
        offered += 1;
        const asked = askAt(next).finally(() => running.delete(asked));
        running.add(asked);
      }
      due[caller] = next;
    }
  };
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      meet(now);
      if (now < end) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await Promise.all(running);
  return {
    achieved: answered / offered,
    p50: quantile(waits, 0.5) * 1000,
    p99: quantile(waits, 0.99) * 1000,
  };
}

function thinkTime(meanMs: number): number {
  return -meanMs * Math.log(1 - Math.random());
}

import type { Sample } from "../method/experiment.ts";
import { quantile } from "../method/statistics.ts";

/** Callers who ask again as soon as they have been answered. */
export interface ClosedLoop {
  readonly callers: number;
  /** Statements in all. */
  readonly count: number;
  readonly ask: () => Promise<unknown>;
}

/**
 * Per statement, in microseconds: `time` of the wall clock, `cpu` of this process (all of its threads,
 * so that key derivation counts), `p50` and `p99` of what a caller waits; `rate` is statements per second.
 */
export async function closedLoop({ callers, count, ask }: ClosedLoop): Promise<Sample> {
  const waits: number[] = [];
  let left = count;
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const asked = performance.now();
      await ask();
      waits.push(performance.now() - asked);
    }
  };
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  const milliseconds = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return {
    time: (milliseconds * 1000) / count,
    cpu: (user + system) / count,
    p50: quantile(waits, 0.5) * 1000,
    p99: quantile(waits, 0.99) * 1000,
    rate: (count * 1000) / milliseconds,
  };
}

import { setTimeout as sleep } from "node:timers/promises";

const INTERVAL_MS = 50;

/**
 * Asks until the answer is good or the time is up, and returns the last answer either way.
 *
 * The bound is a bound, not a wait: a good first answer returns at once. Rejects when aborted.
 */
export async function pollUntil<Answer>(
  ask: () => Promise<Answer>,
  isGood: (answer: Answer) => boolean,
  withinMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isGood(answer) || Date.now() >= deadline) return answer;
    await sleep(INTERVAL_MS, undefined, { signal });
  }
}

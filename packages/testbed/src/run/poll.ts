import { setTimeout as delay } from "node:timers/promises";

/**
 * Asks until there is an answer or the time is up; `undefined` means "not yet".
 * Servers say in their log when they are ready, so the wait ends within one interval of that.
 */
export async function poll<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  { timeoutMs, intervalMs = 10 }: { timeoutMs: number; intervalMs?: number },
): Promise<T | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() >= deadline) return undefined;
    await delay(intervalMs);
  }
}

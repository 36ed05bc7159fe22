import { after, cancel } from "../clock.ts";

/** True when it resolves within a time. */
export function isSoon(promise: Promise<void>, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = after(withinMs, () => resolve(false));
    void promise.then(() => {
      cancel(timer);
      resolve(true);
    });
  });
}

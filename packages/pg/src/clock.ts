/** A started timer, cancelled with {@link cancel}. */
export type Timer = NodeJS.Timeout;

// Captured when the module loads: fake timers in a user's tests must not freeze limits.
const {
  setTimeout: startTimer,
  clearTimeout: stopTimer,
  setImmediate: startImmediate,
  performance: clock,
} = globalThis;
const monotonic = clock.now.bind(clock);
const nextTick = process.nextTick.bind(process);

/** Monotonic time in milliseconds. */
export function now(): number {
  return monotonic();
}

/** Wall clock, in milliseconds since the epoch. */
export function wallClock(): number {
  return clock.timeOrigin + monotonic();
}

/** Calls `action` after `delayMs`, unless the process has nothing else to wait for and exits before. */
export function after(delayMs: number, action: () => void): Timer {
  const timer = startTimer(action, delayMs);
  timer.unref();
  return timer;
}

/** Calls `action` after `delayMs`, and keeps the process until then. */
export function afterHolding(delayMs: number, action: () => void): Timer {
  return startTimer(action, delayMs);
}

/** Cancels a timer; one that has fired or was never started is left alone. */
export function cancel(timer: Timer | undefined): void {
  stopTimer(timer);
}

/** Calls `action` when the current operation is done and before any input is read. */
export function soon(action: () => void): void {
  nextTick(action);
}

/** Calls `action` when the input that has arrived by now was read. */
export function afterInput(action: () => void): void {
  startImmediate(action);
}

/** Ctrl-C, SIGTERM or the end of the terminal, as a promise and as a signal. */
export interface Interruption {
  readonly happened: Promise<void>;
  readonly signal: AbortSignal;
  /** Gives the signals back to Node, so that a second Ctrl-C ends the process at once. */
  release(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Takes over the signals that end a program, so that what it started is stopped first. */
export function onInterruption(): Interruption {
  const control = new AbortController();
  const happened = new Promise<void>((resolve) => {
    control.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const listener = (): void => {
    release();
    control.abort();
  };
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
  for (const signal of SIGNALS) process.on(signal, listener);

  return { happened, signal: control.signal, release };
}

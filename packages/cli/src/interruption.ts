/** Ctrl-C, SIGTERM, the end of the terminal or of the parent, as a promise and as a signal. */
export interface Interruption {
  readonly happened: Promise<void>;
  readonly signal: AbortSignal;
  /** Gives the signals back to Node, so that a second Ctrl-C ends the process at once. */
  release(): void;
}

/** How soon the end of the parent is seen; asking costs one system call. */
const PARENT_INTERVAL_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Takes over the signals that end a program, so that what it started is stopped first.
 *
 * The end of the parent counts as one: whoever kills `npx` by its process id means what it runs, and
 * no signal says so.
 */
export function onInterruption(): Interruption {
  const control = new AbortController();
  const happened = new Promise<void>((resolve) => {
    control.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const parent = process.ppid;
  const watch = setInterval(() => {
    // Orphans are handed on to init or to a subreaper, and have another parent from then on.
    if (process.ppid !== parent) listener();
  }, PARENT_INTERVAL_MS).unref();
  const listener = (): void => {
    release();
    control.abort();
  };
  const release = (): void => {
    clearInterval(watch);
    for (const signal of SIGNALS) process.off(signal, listener);
  };
  for (const signal of SIGNALS) process.on(signal, listener);

  return { happened, signal: control.signal, release };
}

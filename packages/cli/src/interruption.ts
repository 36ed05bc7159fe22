/** A promise for Ctrl-C, SIGTERM or the end of the terminal, and a signal that aborts with it. */
export interface Interruption {
  readonly happened: Promise<NodeJS.Signals>;
  readonly signal: AbortSignal;
  /** Gives the signals back to Node, so that a second Ctrl-C ends the process at once. */
  release(): void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Takes the signals that end a program over, so that what it started is stopped first. */
export function onInterruption(): Interruption {
  const control = new AbortController();
  let listener: (signal: NodeJS.Signals) => void = () => {};
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
  const happened = new Promise<NodeJS.Signals>((resolve) => {
    listener = (signal) => {
      release();
      control.abort();
      resolve(signal);
    };
  });
  for (const signal of SIGNALS) process.on(signal, listener);

  return { happened, signal: control.signal, release };
}

/** What the process was told of, in place of ending; while this is held. */
export interface Uncaught extends Disposable {
  readonly errors: readonly Error[];
}

/** Takes what nobody has caught, in place of the runner. */
export function catchUncaught(): Uncaught {
  const errors: Error[] = [];
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const take = (error: Error): void => void errors.push(error);
  process.on("uncaughtException", take);
  return {
    errors,
    [Symbol.dispose]() {
      process.removeListener("uncaughtException", take);
      for (const other of others) process.on("uncaughtException", other);
    },
  };
}

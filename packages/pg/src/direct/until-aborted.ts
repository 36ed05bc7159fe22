import { onAbort } from "../abort-signal.ts";

/**
 * What a promise resolves to, unless a signal is aborted first: then it rejects with the signal's reason at
 * once, and what comes too late is given to `discard`, which never throws.
 */
export function untilAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
  discard: (late: Value) => unknown,
): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    promise.then(
      (value) => {
        forget();
        if (!signal.aborted) {
          resolve(value);
          return;
        }
        discard(value);
        // It may have been aborted before anybody listened.
        reject(signal.reason);
      },
      (error: unknown) => {
        forget();
        reject(error);
      },
    );
  });
}

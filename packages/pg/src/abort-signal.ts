type Action = () => void;

const waiting = new WeakMap<AbortSignal, Set<Action>>();

/**
 * Calls `action` when a signal is aborted; returns how to take that back. One listener for each signal,
 * however many wait for it: one signal that ends a whole process has thousands, and an `EventTarget`
 * walks all of its listeners for each that comes or goes, and warns of a leak.
 */
export function onAbort(signal: AbortSignal, action: Action): () => void {
  let actions = waiting.get(signal);
  if (actions === undefined) {
    const all = (actions = new Set<Action>());
    waiting.set(signal, all);
    signal.addEventListener(
      "abort",
      () => {
        waiting.delete(signal);
        for (const one of all) one();
      },
      { once: true },
    );
  }
  actions.add(action);
  return () => actions.delete(action);
}

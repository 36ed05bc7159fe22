/** A pool that can be ended by somebody who did not make it. */
export interface EndablePool {
  readonly ending: boolean;
  end(): Promise<void>;
  /** Ends it without waiting for whoever holds a connection. */
  endNow(): Promise<void>;
}

/** One per process, however many copies of this package are loaded. */
interface SharedState {
  pools?: Set<WeakRef<object>>;
}

const KEY = Symbol.for("doorpolicy/1");

function pools(): Set<WeakRef<object>> {
  const holder = globalThis as typeof globalThis & { [KEY]?: SharedState };
  const state = (holder[KEY] ??= {});
  return (state.pools ??= new Set());
}

/** Remembers a live pool, weakly, and returns how to forget it. */
export function registerPool(pool: object): () => void {
  const all = pools();
  for (const entry of all) if (entry.deref() === undefined) all.delete(entry);
  const entry = new WeakRef(pool);
  all.add(entry);
  return () => all.delete(entry);
}

/**
 * The pools of a guarded module that nobody has ended. For an ORM that makes pools and forgets
 * them when it fails to start: TypeORM's `initialize()` never ends the pool that it opened.
 */
export function poolsOf(guarded: { readonly Pool: unknown }): readonly EndablePool[] {
  const { Pool } = guarded;
  if (typeof Pool !== "function") return [];
  return [...pools()]
    .map((entry) => entry.deref())
    .filter((pool) => isEndable(pool))
    .filter((pool) => pool instanceof Pool && !pool.ending);
}

function isEndable(pool: object | undefined): pool is EndablePool {
  return (
    pool !== undefined && "endNow" in pool && typeof pool.endNow === "function" && "ending" in pool
  );
}

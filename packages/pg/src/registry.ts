import type { AsyncLocalStorage } from "node:async_hooks";

import type { OwnLock } from "./direct/advisory-lock.ts";
import type { LoginState } from "./login/state.ts";
import type { PoolCounters } from "./pool/pool-counters.ts";
import type { Gate } from "./pool/gate.ts";
import type { Allowance } from "./statements/allowing.ts";
import type { OpaqueCounts } from "./statements/opaque.ts";
import type { Unit } from "./units/unit.ts";

/** A pool that can be ended by somebody who did not make it. */
export interface EndablePool {
  readonly ending: boolean;
  end(): Promise<void>;
  /** Ends it without waiting for whoever holds a connection. */
  endNow(): Promise<void>;
}

/** One per process, however many copies of this package are loaded: ESM, CJS, bundles, two installs. */
interface SharedState {
  pools?: Set<WeakRef<object>>;
  units?: AsyncLocalStorage<Unit | undefined>;
  /** Units whose function has not settled yet. */
  running?: Set<Promise<unknown>>;
  isDraining?: boolean;
  login?: LoginState;
  /** By target and lane. */
  gates?: Map<string, Gate>;
  /** Advisory locks that each async context holds. */
  locks?: AsyncLocalStorage<OwnLock | undefined>;
  /** The units have ended, and the pools with them: nobody gets a connection any more. */
  isDrained?: boolean;
  /** Written exceptions of the code that runs. */
  allowances?: AsyncLocalStorage<Allowance | undefined>;
  /** Statements whose texts do not show what they do. */
  opaque?: OpaqueCounts;
  /** One copy hears Node's channels for all of them: a call is reported once. */
  hearsExternalCalls?: boolean;
}

const KEY = Symbol.for("doorpolicy/1");

/** What all copies of this package share. Only structure may be relied on: classes differ by copy. */
export function sharedState(): SharedState {
  const holder = globalThis as typeof globalThis & { [KEY]?: SharedState };
  return (holder[KEY] ??= {});
}

function pools(): Set<WeakRef<object>> {
  return (sharedState().pools ??= new Set());
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
  return registeredPools().filter((pool) => pool instanceof Pool);
}

/** Every guarded pool of this process that nobody has ended. */
export function registeredPools(): readonly EndablePool[] {
  return [...pools()]
    .map((entry) => entry.deref())
    .filter((pool) => isEndable(pool))
    .filter((pool) => !pool.ending);
}

function isEndable(pool: object | undefined): pool is EndablePool {
  return (
    pool !== undefined && "endNow" in pool && typeof pool.endNow === "function" && "ending" in pool
  );
}

/** One pool of this process and what it is doing. */
export interface PoolReport {
  /** The target's name in the policy. */
  readonly target: string;
  /** `"pooled"`, `"direct"` or `"replica"`. */
  readonly lane: string;
  readonly counters: PoolCounters;
}

/**
 * What each guarded pool of this process is doing, whichever adapter and whichever copy of this package
 * has made it: for metrics and health checks. Pools that were ended are left out.
 */
export function poolCounters(): readonly PoolReport[] {
  return registeredPools().flatMap((pool) => {
    if (!isCounting(pool)) return [];
    const { target, lane, counters } = pool;
    return [{ target, lane, counters }];
  });
}

/** Not one of an older copy of this package. */
function isCounting(pool: object): pool is PoolReport {
  return "counters" in pool && "target" in pool && "lane" in pool;
}

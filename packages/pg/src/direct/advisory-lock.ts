import { AsyncLocalStorage } from "node:async_hooks";

import { PolicyError } from "@doorpolicy/core";

import { onAbort } from "../abort-signal.ts";
import { now } from "../clock.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import { sharedState } from "../registry.ts";
import { currentUnit, outsideUnits } from "../units/context.ts";
import { refuseWhileDraining, whileRunning } from "../units/drain.ts";
import type { Unit } from "../units/unit.ts";
import { type AdvisoryKey, type SqlKey, sqlKeyOf } from "./advisory-key.ts";
import { type Backoff, delayBefore, leftUntil, pause } from "./backoff.ts";
import { type DirectLane, directLane, type DirectSource, type PgLoader } from "./direct-lane.ts";
import { HeldLock } from "./held-lock.ts";
import {
  type AdvisoryLockOptions,
  checkedLockOptions,
  type CheckedLockOptions,
} from "./lock-options.ts";
import { holderOf, inTransaction, notAcquired } from "./lock-errors.ts";
import { invalid } from "./options.ts";
import { firstRow } from "./rows.ts";

/** What the function of a lock is told. */
export interface LockContext {
  /**
   * Aborted when the lock is lost (its reason is the `lock/lost` error), and when the caller's own
   * `signal` is. Somebody else may do the same work then: stop.
   */
  readonly signal: AbortSignal;
}

/** What is done under a lock. */
export type LockFunction<Result> = (context: LockContext) => Result | PromiseLike<Result>;

/** {@link makeWithAdvisoryLock} */
export interface WithAdvisoryLock {
  <Result>(source: DirectSource, key: AdvisoryKey, run: LockFunction<Result>): Promise<Result>;
  <Result>(
    source: DirectSource,
    key: AdvisoryKey,
    options: AdvisoryLockOptions,
    run: LockFunction<Result>,
  ): Promise<Result>;
}

/**
 * How often a lock is tried that somebody else has. The lock itself could be waited for in the server,
 * and a statement that waits holds a snapshot: VACUUM would stand still behind it, and `CREATE INDEX
 * CONCURRENTLY` of the holder would wait for the waiter, which waits for the holder.
 */
const TRIES: Backoff = { firstMs: 50, mostMs: 500 };

const PURPOSE =
  "A session lock that is taken through the pooler stays on a server connection that strangers get";

/** A lock that an async context has already. */
export interface OwnLock {
  readonly id: string;
  readonly lock: { readonly isOver: boolean; readonly signal: AbortSignal };
  readonly outer: OwnLock | undefined;
}

/** `withAdvisoryLock` that loads the `pg` of an adapter's ORM where it is given a policy. */
export function makeWithAdvisoryLock(loadPg: PgLoader): WithAdvisoryLock {
  async function withAdvisoryLock<Result>(
    source: DirectSource,
    key: AdvisoryKey,
    third: AdvisoryLockOptions | LockFunction<Result>,
    fourth?: LockFunction<Result>,
  ): Promise<Result> {
    const [options, run] = isFunction(third) ? [{}, third] : [third, fourth];
    if (!isFunction(run)) {
      throw invalid(
        "fn",
        "`withAdvisoryLock()` got no function to run.",
        "Call it as `withAdvisoryLock(policy, key, fn)` or `withAdvisoryLock(policy, key, options, fn)`.",
      );
    }
    const sqlKey = sqlKeyOf(key);
    const checked = checkedLockOptions(options);
    const lane = directLane(source, checked, loadPg, PURPOSE);
    return await whileRunning(
      lane.then((direct) => underLock(direct, sqlKey, checked, run)),
      currentUnit(),
    );
  }
  return withAdvisoryLock;
}

async function underLock<Result>(
  direct: DirectLane,
  key: SqlKey,
  options: CheckedLockOptions,
  run: LockFunction<Result>,
): Promise<Result> {
  const id = `${direct.lane.target.name}/${key.placeholders}/${key.values.join()}`;
  const own = ownLock(id);
  if (own !== undefined) return await withSignals([own.signal, options.signal], run);
  const unit = currentUnit();
  if (isInTransaction(unit)) throw inTransaction(key);
  if (unit === undefined || unit.isOver) refuseWhileDraining();
  const lock = await acquire(direct, key, options);
  const held = { id, lock, outer: ownLocks().getStore() };
  let result: Result;
  try {
    result = await ownLocks().run(held, () => withSignals([lock.signal, options.signal], run));
  } catch (error) {
    await lock.release();
    throw lock.lost ?? error;
  }
  await lock.release();
  if (lock.lost !== undefined) throw lock.lost;
  return result;
}

/** Rejects with `lock/not-acquired`, the signal's reason, or as the pool does. */
async function acquire(
  direct: DirectLane,
  key: SqlKey,
  options: CheckedLockOptions,
): Promise<HeldLock> {
  const { tryOnly, waitTimeoutMs, livenessTimeoutMs, signal } = options;
  const begun = now();
  const deadline = begun + waitTimeoutMs;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const isLast = tryOnly || now() >= deadline;
    const client = await taken(direct, signal);
    try {
      if (await isFree(client, key)) {
        const lock = new HeldLock(client, key, livenessTimeoutMs);
        if (signal?.aborted !== true) return lock;
        await lock.release();
        throw signal.reason;
      }
      if (isLast) {
        const holder = direct.lane.lane === "direct" ? await holderOf(client, key) : undefined;
        throw notAcquired(key, Math.round(now() - begun), holder, tryOnly);
      }
    } catch (error) {
      client.release?.(error instanceof PolicyError ? undefined : error);
      throw error;
    }
    // It is not kept while it waits: a thousand waiters are as many connections as there may be.
    client.release?.();
    await pause(Math.min(delayBefore(TRIES, attempt), leftUntil(deadline)), signal);
  }
}

async function isFree(client: PgClient, { placeholders, values }: SqlKey): Promise<boolean> {
  const text = `select pg_try_advisory_lock(${placeholders}) as is_acquired`;
  return firstRow(await client.query(text, [...values]))?.["is_acquired"] === true;
}

/** A connection of the lock's own: the unit that the caller is in has others. */
function taken(direct: DirectLane, signal: AbortSignal | undefined): Promise<PgClient> {
  return new Promise((resolve, reject) => {
    const forget = signal && onAbort(signal, () => reject(signal.reason));
    outsideUnits(() =>
      direct.pool().connect((error, client) => {
        forget?.();
        if (client === undefined) reject(error);
        else if (signal?.aborted === true) client.release?.();
        else resolve(client);
      }),
    );
  });
}

/** One signal of several. Not `AbortSignal.any`: a caller's signal may live as long as the process. */
async function withSignals<Result>(
  signals: readonly (AbortSignal | undefined)[],
  run: LockFunction<Result>,
): Promise<Result> {
  const abort = new AbortController();
  const forget = signals.map((signal) => {
    if (signal?.aborted === true) abort.abort(signal.reason);
    return signal && onAbort(signal, () => abort.abort(signal.reason));
  });
  try {
    return await run({ signal: abort.signal });
  } finally {
    for (const one of forget) one?.();
  }
}

function ownLocks(): AsyncLocalStorage<OwnLock | undefined> {
  return (sharedState().locks ??= new AsyncLocalStorage<OwnLock | undefined>());
}

/** As in PostgreSQL, where a session that has a lock gets it again: waiting for oneself would not end. */
function ownLock(id: string): OwnLock["lock"] | undefined {
  for (let own = ownLocks().getStore(); own !== undefined; own = own.outer) {
    if (own.id === id && !own.lock.isOver) return own.lock;
  }
  return undefined;
}

function isInTransaction(unit: Unit | undefined): boolean {
  if (unit === undefined) return false;
  return (unit.kind === "transaction" && !unit.isOver) || isInTransaction(unit.parent);
}

function isFunction<Result>(value: unknown): value is LockFunction<Result> {
  return typeof value === "function";
}

import { AsyncLocalStorage } from "node:async_hooks";

import { onAbort } from "../abort-signal.ts";
import { sharedState } from "../registry.ts";
import { currentUnit } from "../units/context.ts";
import { refuseWhileDraining, whileRunning } from "../units/drain.ts";
import type { Unit } from "../units/unit.ts";
import { acquireLock } from "./acquire-lock.ts";
import { type AdvisoryKey, type SqlKey, sqlKeyOf } from "./advisory-key.ts";
import { type DirectLane, directLane, type DirectSource, type PgLoader } from "./direct-lane.ts";
import type { HeldLock } from "./held-lock.ts";
import {
  type AdvisoryLockOptions,
  checkedLockOptions,
  type CheckedLockOptions,
} from "./lock-options.ts";
import { inTransaction } from "./lock-errors.ts";
import { invalid } from "./options.ts";

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

const PURPOSE =
  "A session lock that is taken through the pooler stays on a server connection that strangers get";

/** A lock that an async context has already, maybe of another copy of this package. */
export interface OwnLock {
  /** Its database and its key. */
  readonly id: string;
  readonly lock: Pick<HeldLock, "isOver" | "signal" | "enter">;
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
  const id = `${direct.place}/${key.placeholders}/${key.values.join()}`;
  const own = ownLock(id);
  if (own !== undefined) {
    own.signal.throwIfAborted();
    options.signal?.throwIfAborted();
    return await under(own, options, run);
  }
  const unit = currentUnit();
  if (isInTransaction(unit)) throw inTransaction(key);
  if (unit === undefined || unit.isOver) refuseWhileDraining();
  const lock = await acquireLock(direct, key, options);
  const held = { id, lock, outer: ownLocks().getStore() };
  let result: Result;
  try {
    result = await ownLocks().run(held, () => under(lock, options, run));
  } catch (error) {
    await lock.release();
    throw error;
  }
  await lock.release();
  lock.signal.throwIfAborted();
  return result;
}

/**
 * Calls the function as one who works under a lock. Where the lock is lost meanwhile it rejects with
 * `lock/lost`, unless the function has failed of something else: its signal has told it, and nobody would
 * ever see the other error.
 */
async function under<Result>(
  lock: OwnLock["lock"],
  options: CheckedLockOptions,
  run: LockFunction<Result>,
): Promise<Result> {
  const { signal } = lock;
  const leave = lock.enter();
  let result: Result;
  try {
    result = await withSignals([signal, options.signal], run);
  } catch (error) {
    throw signal.aborted && isOf(error, signal.reason) ? signal.reason : error;
  } finally {
    leave();
  }
  signal.throwIfAborted();
  return result;
}

/** The reason of a signal, or the `AbortError` that Node's own functions make of it. */
function isOf(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.cause === reason);
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

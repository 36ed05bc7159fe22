import { PolicyError } from "@doorpolicy/core";

import { onAbort } from "../abort-signal.ts";
import { captureCallSite } from "../call-site.ts";
import { currentUnit, runIn } from "./context.ts";
import { refuseWhileDraining, whileRunning } from "./drain.ts";
import type { Borrower } from "./lease.ts";
import {
  type CheckedTransactionOptions,
  checkedTransactionOptions,
  checkedUnitOptions,
  NO_OPTIONS,
  type RetryOptions,
  type TransactionOptions,
  type UnitOptions,
} from "./options.ts";
import { isRetryable, retryDelay } from "./retry.ts";
import { TransactionConnection } from "./transaction-connection.ts";
import { TransactionUnit } from "./transaction-unit.ts";
import type { OpenTransaction, OpenUnit, Unit } from "./unit.ts";
import { WorkUnit } from "./work-unit.ts";

/** The function of a unit. Its promise, or the lazy thenable of an ORM, is awaited inside. */
export type UnitFunction<Result> = () => Result | PromiseLike<Result>;

/** No ORM stands between `transaction()` and its caller: itself, the caller, and whoever called that. */
const FRAMES_OF_TRANSACTION = 4;

/**
 * One unit of work: whatever it does through guarded drivers of one target, ORMs side by side, it does
 * on one connection, one call after another. No transaction is held: through a pooler, what one
 * statement sets on the server is not there for the next. `setLocal` is, in every one of them.
 *
 * A unit in a unit uses its connection; in a `transaction()` it joins that. A call that waits for the
 * unit's connection while its holder makes no progress fails with `unit/stalled`.
 *
 * Rejects with whatever `run` rejects with; `unit/invalid` for options that are none; `unit/draining`
 * once {@link drain} was called.
 */
export function unitOfWork<Result>(run: UnitFunction<Result>): Promise<Result>;
export function unitOfWork<Result>(
  options: UnitOptions,
  run: UnitFunction<Result>,
): Promise<Result>;
export async function unitOfWork<Result>(
  first: UnitOptions | UnitFunction<Result>,
  second?: UnitFunction<Result>,
): Promise<Result> {
  const { given, run } = readArguments<UnitOptions, Result>("unitOfWork", first, second);
  const { label, setLocal } = checkedUnitOptions(given);
  const outer = withoutEndedUnits(currentUnit());
  if (outer === undefined || outer.isOver) refuseWhileDraining();
  requireSameSettings(outer, setLocal);
  const settings = setLocal === undefined ? outer?.setLocal : { ...outer?.setLocal, ...setLocal };
  const unit = new WorkUnit(label ?? outer?.label, settings, outer);
  try {
    return await whileRunning(runIn(unit, run), outer);
  } finally {
    unit.end();
  }
}

/**
 * All or nothing: every statement that `run` sends through guarded drivers of one target joins one
 * transaction on one connection, TypeORM's, Prisma's and plain pg's together. It begins with the first
 * statement, commits when `run` resolves, and is rolled back when it rejects. Holds in every mode.
 *
 * - An ORM's own transaction inside becomes a savepoint; so does a `transaction()` inside (see
 *   `propagation`). Replicas of a DataSource are read from the primary.
 * - Work that `run` has not awaited: waited for as long as `units.settleTimeoutMs`, then everything is
 *   rolled back (`unit/unawaited-work`). Statements that come after the end are refused
 *   (`transaction/ended`); see {@link detached}.
 * - BEGIN, COMMIT and ROLLBACK by hand are refused; savepoints are free to use.
 *
 * Rejects with whatever `run` rejects with; with the signal's reason; with
 * `transaction/rolled-back-at-commit`, `transaction/outcome-unknown`, `transaction/second-target`,
 * `transaction/isolation-too-strong`, `transaction/no-second-connection`, `unit/unawaited-work`,
 * `unit/invalid`, `unit/draining`.
 */
export function transaction<Result>(run: UnitFunction<Result>): Promise<Result>;
export function transaction<Result>(
  options: TransactionOptions,
  run: UnitFunction<Result>,
): Promise<Result>;
export async function transaction<Result>(
  first: TransactionOptions | UnitFunction<Result>,
  second?: UnitFunction<Result>,
): Promise<Result> {
  const { given, run } = readArguments<TransactionOptions, Result>("transaction", first, second);
  const options = checkedTransactionOptions(given);
  const { label, signal } = options;
  const borrower = { site: captureCallSite(1, FRAMES_OF_TRANSACTION), label, signal };
  const unit = withoutEndedUnits(currentUnit());
  const last = transactionOf(unit);
  const tooLate = last?.refuseLate();
  if (tooLate !== undefined) throw tooLate;
  const outer = last?.isOver === true ? undefined : last;
  if (outer !== undefined) {
    if (options.propagation === "join") return await join(outer, options, borrower, run);
    if (options.propagation !== "new") {
      return await perform(outer.nest(options, borrower), run, options.signal);
    }
  }
  const enclosing = last === undefined ? openUnit(unit) : undefined;
  if (unit === undefined || unit.isOver) refuseWhileDraining();
  const attempt = (): Promise<Result> => {
    const begun = begin(options, borrower, unit, enclosing, outer !== undefined);
    return perform(begun, run, options.signal);
  };
  return await whileRunning(
    options.retry === undefined ? attempt() : withRetry(options.retry, options.signal, attempt),
    unit,
  );
}

/**
 * Calls `run` outside of the unit or transaction that the caller is in: for work that is to outlive it,
 * or that is to be stored whatever becomes of it.
 */
export function detached<Result>(run: UnitFunction<Result>): Promise<Result> {
  return runIn(undefined, run);
}

/**
 * Calls `action` when the outermost `transaction()` that the caller is in has been committed, in order
 * and awaited by it; never when it, or the inner one that the caller is in, is rolled back. Outside of
 * any it is called at once.
 *
 * The transaction is stored whatever `action` does: what it throws is reported as
 * `unit/after-commit-failed`. It runs outside of the transaction, in the unit of work around it: on
 * that one's connection and with its settings.
 *
 * Rejects with `transaction/ended` in a transaction that has ended.
 */
export async function afterCommit(action: () => unknown): Promise<void> {
  const unit = currentUnit();
  const inside = transactionOf(unit);
  if (inside === undefined) {
    await action();
    return;
  }
  const tooLate = inside.refusal();
  if (tooLate !== undefined) throw tooLate;
  // The unit around has a connection: to wait for a second one while holding it could last for ever.
  inside.afterCommit(() => runIn(unitAround(unit), action));
}

/** The unit that the outermost transaction around the caller runs in. */
function unitAround(unit: Unit | undefined): Unit | undefined {
  let around: Unit | undefined;
  for (let one = unit; one !== undefined; one = one.parent) {
    if (isTransaction(one)) around = one.parent;
  }
  return around;
}

function begin(
  options: CheckedTransactionOptions,
  borrower: Borrower,
  parent: Unit | undefined,
  enclosing: OpenUnit | undefined,
  isNew: boolean,
): OpenTransaction {
  // A second transaction is of the same tenant as the first.
  const settings = parent?.setLocal;
  const own =
    settings === undefined || Object.keys(settings).length === 0
      ? options
      : { ...options, setLocal: { ...settings, ...options.setLocal } };
  return new TransactionUnit(new TransactionConnection(own, enclosing, isNew), borrower, parent);
}

async function perform<Result>(
  unit: OpenTransaction,
  run: UnitFunction<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  const abort = abortOf(signal);
  try {
    signal?.throwIfAborted();
    const result = await abort.orResultOf(runIn(unit, run));
    await abort.orResultOf(unit.settle());
    signal?.throwIfAborted();
    await unit.commit();
    return result;
  } catch (error) {
    await unit.rollBack(signal?.aborted === true ? abortedError(signal) : error);
    throw error;
  } finally {
    abort.forget();
  }
}

/** What cuts the waiting of a transaction short. */
interface Abort {
  orResultOf<Result>(work: Promise<Result>): Promise<Result>;
  forget(): void;
}

/** Most transactions have no signal, and wait for nothing but their work. */
const NEVER_ABORTED: Abort = { orResultOf: (work) => work, forget: () => undefined };

/** Rejects with the signal's reason as soon as it is aborted, whatever is being waited for. */
function abortOf(signal: AbortSignal | undefined): Abort {
  if (signal === undefined) return NEVER_ABORTED;
  let forget: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => reject(signal.reason));
  });
  // Whichever comes second is nobody's: its statements are refused.
  aborted.catch(() => undefined);
  return {
    orResultOf: (work) => {
      work.catch(() => undefined);
      return Promise.race([work, aborted]);
    },
    forget: () => forget?.(),
  };
}

async function join<Result>(
  outer: OpenTransaction,
  options: CheckedTransactionOptions,
  borrower: Borrower,
  run: UnitFunction<Result>,
): Promise<Result> {
  const leave = outer.join(options, borrower);
  const abort = abortOf(options.signal);
  try {
    options.signal?.throwIfAborted();
    return await abort.orResultOf(runIn(outer, run));
  } catch (error) {
    outer.doom(error);
    throw error;
  } finally {
    abort.forget();
    leave();
  }
}

async function withRetry<Result>(
  retry: Required<RetryOptions>,
  signal: AbortSignal | undefined,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let run = 1; ; run++) {
    try {
      return await attempt();
    } catch (error) {
      if (run >= retry.attempts || !isRetryable(error)) throw error;
      await retryDelay(retry, run, signal);
      signal?.throwIfAborted();
    }
  }
}

function abortedError(signal: AbortSignal): PolicyError {
  return new PolicyError(
    "transaction/aborted",
    "The signal of this transaction() was aborted: it was rolled back, and this statement was not sent.",
    { hint: "Stop the work when the signal says so.", cause: signal.reason },
  );
}

/** A transaction cannot have other settings from somewhere in its middle on. */
function requireSameSettings(
  outer: Unit | undefined,
  settings: Readonly<Record<string, string>> | undefined,
): void {
  const inside = transactionOf(outer);
  if (inside === undefined || inside.isOver || settings === undefined) return;
  for (const [name, value] of Object.entries(settings)) {
    if (inside.setLocal?.[name] === value) continue;
    throw new PolicyError(
      "unit/invalid",
      `A unitOfWork() inside a transaction() sets \`${name}\` to another value than the transaction: it would hold for the rest of that.`,
      { path: `setLocal.${name}`, hint: "Set it on the transaction()." },
    );
  }
}

/** The transaction that statements here would join, over or not. */
function transactionOf(unit: Unit | undefined): OpenTransaction | undefined {
  if (unit === undefined || isTransaction(unit)) return unit;
  return transactionOf(unit.parent);
}

/** What comes after a `unitOfWork()` has ended is in what was around it; an ended transaction stays. */
function withoutEndedUnits(unit: Unit | undefined): Unit | undefined {
  return unit?.kind === "unit" && unit.isOver ? withoutEndedUnits(unit.parent) : unit;
}

function isTransaction(unit: Unit): unit is OpenTransaction {
  return unit.kind === "transaction";
}

function openUnit(unit: Unit | undefined): OpenUnit | undefined {
  return unit !== undefined && !unit.isOver && "lease" in unit && unit.kind === "unit"
    ? // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- kind says so.
      (unit as OpenUnit)
    : undefined;
}

function readArguments<Options extends object, Result>(
  name: string,
  first: Options | UnitFunction<Result>,
  second: UnitFunction<Result> | undefined,
): { given: Options | Record<string, never>; run: UnitFunction<Result> } {
  if (isFunction(first) && second !== undefined) {
    throw new PolicyError("unit/invalid", `\`${name}()\` got its function before its options.`, {
      hint: `Call it as \`${name}(options, fn)\`.`,
    });
  }
  if (isFunction(first)) return { given: NO_OPTIONS, run: first };
  if (isFunction(second)) return { given: first, run: second };
  throw new PolicyError("unit/invalid", `\`${name}()\` got no function to run.`, {
    hint: `Call it as \`${name}(fn)\` or \`${name}(options, fn)\`.`,
  });
}

function isFunction<Result>(value: unknown): value is UnitFunction<Result> {
  return typeof value === "function";
}

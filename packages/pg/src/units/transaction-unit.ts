import { isPolicyError, type PolicyError } from "@doorpolicy/core";

import type { Guard } from "../guard.ts";
import { endPortal } from "../connection/ending.ts";
import { activeQueryOf, type PgClient } from "../driver/pg-internals.ts";
import { admit } from "./admit.ts";
import { runAfterCommit } from "./after-commit.ts";
import type { Block } from "./block.ts";
import { isSoon } from "./is-soon.ts";
import type { Borrower, ConnectionSource } from "./lease.ts";
import { afterEndDraft, endedError, rolledBackError, unawaitedError } from "./messages.ts";
import type { CheckedTransactionOptions } from "./options.ts";
import type { Settings } from "./settings.ts";
import type { Connected, TransactionConnection } from "./transaction-connection.ts";
import { type HandleOwner, TransactionHandle } from "./transaction-handle.ts";
import type { Turns } from "./turns.ts";
import { WorkUnit } from "./work-unit.ts";
import type { BorrowRequest, OpenTransaction, Unit } from "./unit.ts";
import { withSite } from "./with-site.ts";

/** How long what still runs may take when it is to be rolled back, before it is cancelled. */
const GRACE_MS = 100;
/** How long whoever waits for the end of a transaction waits for its ROLLBACK at most. */
const ROLLBACK_MS = 1_000;
/** How long a cancelled statement may take to end. */
const CANCEL_MS = 5_000;

/**
 * One `transaction()`: the outermost, which has the connection, or an inner one, which has a savepoint.
 *
 * | state | statement | function resolves | function rejects, signal | connection taken |
 * | --- | --- | --- | --- | --- |
 * | open | joins | → settling | → over: rolled back | statements get the reason |
 * | settling (until nobody has a connection and no inner one runs, `settleTimeoutMs` at most) | joins | – | → over: rolled back | → over: rolled back |
 * | over | refused: `transaction/ended`; where the mode only reports, as around it | – | – | – |
 *
 * The gate closes *before* COMMIT or ROLLBACK is sent: a statement that comes later would be stored by
 * itself.
 */
export class TransactionUnit implements OpenTransaction {
  readonly kind = "transaction";
  readonly label: string | undefined;
  readonly setLocal: Settings | undefined;
  readonly parent: Unit | undefined;
  readonly #transaction: TransactionConnection;
  readonly #outer: TransactionUnit | undefined;
  readonly #borrower: Borrower;
  readonly #autosave: CheckedTransactionOptions["autosave"];
  /** For what goes to another target by permission, with the settings of this one. */
  #aside: WorkUnit | undefined;
  readonly #handles = new Set<TransactionHandle>();
  readonly #afterCommit: (() => unknown)[] = [];
  /** Callers who wait for the connection, and inner transactions whose function has not settled. */
  readonly #underWay = new Set<Borrower>();
  readonly #leave: (() => void) | undefined;
  #owner: HandleOwner | undefined;
  #block: Block | undefined;
  #refusal: (() => Error) | undefined;
  #doom: { readonly reason: unknown } | undefined;
  #onQuiet: (() => void) | undefined;

  constructor(
    transaction: TransactionConnection,
    borrower: Borrower,
    parent: Unit | undefined,
    outer?: TransactionUnit,
    autosave: CheckedTransactionOptions["autosave"] = transaction.options.autosave,
  ) {
    this.#transaction = transaction;
    this.#borrower = borrower;
    this.label = borrower.label;
    this.setLocal = transaction.options.setLocal;
    this.parent = parent;
    this.#outer = outer;
    this.#autosave = autosave;
    this.#leave = outer === undefined ? undefined : outer.#enter(borrower);
  }

  get isOver(): boolean {
    return this.refusal() !== undefined;
  }

  get openIn(): Guard | undefined {
    return this.#transaction.isOpenOnServer ? this.#transaction.guard : this.parent?.openIn;
  }

  refusal(): Error | undefined {
    return this.#refusal?.() ?? this.#outer?.refusal();
  }

  borrow(request: BorrowRequest): Promise<PgClient> | undefined {
    if (this.isOver) return this.#borrowTooLate(request);
    const source = request.source.primary ?? request.source;
    const { otherTargets } = this.#transaction.options;
    const problem = this.#transaction.targetProblem(source, otherTargets !== "independent");
    if (problem === undefined) return this.#borrow({ ...request, source }, source);
    return problem === "independent" ? this.#borrowAside(request) : Promise.reject(problem);
  }

  /** A tenant is the same in another database. */
  #borrowAside(request: BorrowRequest): Promise<PgClient> | undefined {
    if (this.setLocal === undefined) return this.#around?.borrow(request);
    const around = this.#transaction.enclosing;
    this.#aside ??= new WorkUnit(this.label, this.setLocal, around);
    return this.#aside.borrow(request);
  }

  /** What a statement is in that is not in this transaction. */
  get #around(): Unit | undefined {
    return this.#outer ?? this.#transaction.enclosing;
  }

  #borrow(request: BorrowRequest, source: ConnectionSource): Promise<PgClient> {
    const { connected } = this.#transaction;
    return connected === undefined
      ? this.#connect(request, source)
      : Promise.resolve(this.#handleOn(connected, request));
  }

  async #connect(request: BorrowRequest, source: ConnectionSource): Promise<PgClient> {
    const leave = this.#enter(request.borrower);
    try {
      const connected = await this.#transaction.connect(source, this.#borrower);
      // What it waited for may have come too late.
      const refusal = this.refusal();
      if (refusal === undefined) return this.#handleOn(connected, request);
      this.#sayLate(source.guard, request.borrower);
      throw refusal;
    } catch (error) {
      throw this.refusal() ?? error;
    } finally {
      leave();
    }
  }

  #handleOn(connected: Connected, request: BorrowRequest): PgClient {
    const handle = new TransactionHandle(this.#asOwner(connected), connected, request);
    this.#handles.add(handle);
    return handle.client;
  }

  /** The same for all of its handles. */
  #asOwner({ outermost }: Connected): HandleOwner {
    return (this.#owner ??= {
      transaction: this.#transaction,
      isSaved: this.#autosave === "statement",
      block: () => this.#blockOf(outermost),
      refusal: () => this.refusal(),
      onQuiet: (quiet) => this.#forget(quiet),
    });
  }

  #borrowTooLate(request: BorrowRequest): Promise<PgClient> | undefined {
    if (this.#outer?.isOver === true) return this.#outer.borrow(request);
    const error = this.#sayLate(request.source.guard, request.borrower);
    return error === undefined ? this.#around?.borrow(request) : Promise.reject(error);
  }

  refuseLate(): Error | undefined {
    return this.isOver ? this.#sayLate(this.#transaction.guard) : undefined;
  }

  /** Where no statement has shown a policy, there is no mode that would let anything through. */
  #sayLate(guard: Guard | undefined, borrower?: Borrower): Error | undefined {
    const response = guard?.response("transaction/after-end") ?? "act";
    const isRefused = response === "act";
    if (response !== "nothing") {
      const late = borrower && withSite(borrower, 3);
      guard?.report(afterEndDraft(this.label, isRefused ? "refused" : "would-have", late));
    }
    return isRefused ? (this.refusal() ?? endedError(this.label)) : undefined;
  }

  nest(options: CheckedTransactionOptions, borrower: Borrower): OpenTransaction {
    this.#admit(options);
    const autosave = options.autosave ?? this.#autosave;
    return new TransactionUnit(this.#transaction, borrower, this, this, autosave);
  }

  join(options: CheckedTransactionOptions, borrower: Borrower): () => void {
    this.#admit(options);
    return this.#enter(borrower);
  }

  #admit(options: CheckedTransactionOptions): void {
    admit(options, this.#transaction.options);
    const targetProblem = this.#transaction.innerTargetProblem(options.target);
    if (targetProblem !== undefined) throw targetProblem;
  }

  doom(reason: unknown): void {
    this.#doom ??= { reason };
  }

  afterCommit(action: () => unknown): void {
    this.#afterCommit.push(action);
  }

  async settle(): Promise<void> {
    if (this.#isQuiet) return;
    const { guard } = this.#transaction;
    const settleMs = guard?.lane.policy.units.settleTimeoutMs ?? 0;
    if ((await this.#whenQuiet(settleMs)) || this.isOver) return;
    const handles = [...this.#handles].map(({ asBorrower }) => asBorrower);
    throw unawaitedError(guard, this.#borrower, [...handles, ...this.#underWay], settleMs);
  }

  async commit(): Promise<void> {
    // What has begun since it was settled belongs to it: from here to the gate nothing else runs.
    while (!this.#isQuiet && !this.isOver) await this.settle();
    // The one around it has been rolled back meanwhile, and this one with it.
    const refusal = this.#outer?.refusal();
    if (refusal !== undefined) throw refusal;
    if (this.#doom !== undefined) {
      const { reason } = this.#doom;
      await this.rollBack(reason);
      throw rolledBackError("A transaction() that had joined this one failed", reason);
    }
    this.#close(() => endedError(this.label));
    if (this.#outer === undefined) await this.#commitOutermost();
    else await this.#keepInner(this.#outer);
    this.#leave?.();
  }

  async #commitOutermost(): Promise<void> {
    this.#transaction.shut(() => endedError(this.label));
    try {
      if (this.#transaction.broken !== undefined) throw this.#transaction.broken;
      if (this.#transaction.isBegun) await this.#transaction.commit();
    } finally {
      this.#transaction.release();
    }
    if (this.#afterCommit.length === 0) return;
    await runAfterCommit(this.#afterCommit, this.#transaction.guard);
  }

  async #keepInner(outer: TransactionUnit): Promise<void> {
    const block = this.#block;
    if (block !== undefined && !(await this.#endInner(block, true))) {
      throw rolledBackError(
        "A statement of this inner transaction() had failed, and it was rolled back to where it began",
      );
    }
    for (const action of this.#afterCommit) outer.afterCommit(action);
  }

  async rollBack(reason: unknown): Promise<void> {
    this.#close(() => (isAbort(reason) ? reason : endedError(this.label)));
    for (const handle of this.#handles) handle.revoke();
    if (this.#outer === undefined) await this.#rollBackOutermost();
    else await this.#undoInner();
    this.#handles.clear();
    this.#leave?.();
  }

  async #rollBackOutermost(): Promise<void> {
    this.#transaction.shut(() => this.refusal() ?? endedError(this.label));
    // What cannot be cancelled, or does not answer, is ended behind the caller's back.
    await isSoon(this.#stopAndRollBack(), ROLLBACK_MS);
  }

  async #stopAndRollBack(): Promise<void> {
    await this.#stopRunning();
    await this.#transaction.rollBack();
    this.#transaction.release();
  }

  async #undoInner(): Promise<void> {
    await this.#stopRunning();
    if (this.#block !== undefined) await this.#endInner(this.#block, false).catch(() => undefined);
  }

  /** What of it runs can matter no more; what takes long is cancelled. */
  async #stopRunning(): Promise<void> {
    const { turns, lease } = this.#transaction.connected ?? {};
    if (turns === undefined || lease === undefined || !this.#isRunningIn(turns)) return;
    if (await isSoon(turns.whenNothingRuns(), GRACE_MS)) return;
    if (!this.#isRunningIn(turns)) return;
    const { client, connection } = lease;
    const portal = connection.isServerWorking ? undefined : activeQueryOf(client);
    // A cursor that nobody reads on: there is nothing to cancel.
    if (portal === undefined) await turns.cancelRunning();
    else endPortal(client, portal, this.refusal() ?? endedError(this.label));
    await isSoon(turns.whenNothingRuns(), CANCEL_MS);
  }

  /** Beside an inner one a statement of the outer one may run, which is none of its business. */
  #isRunningIn(turns: Turns): boolean {
    if (this.#outer === undefined) return true;
    return this.#block !== undefined && turns.runningIn?.isWithin(this.#block) === true;
  }

  /** Ends the savepoint of an inner one, whatever is still open in it. True when it was kept. */
  #endInner(block: Block, isKept: boolean): Promise<boolean> {
    const { turns, outermost } = this.#transaction.connected ?? {};
    if (turns === undefined || outermost === undefined) return Promise.resolve(isKept);
    return new Promise((resolve, reject) => {
      turns.enqueue({
        block: () => (isKept ? block : (turns.innermost ?? outermost)),
        run: async () => resolve(await this.#transaction.close(block, isKept)),
        fail: reject,
      });
    });
  }

  #blockOf(outermost: Block): Block {
    if (this.#outer === undefined) return outermost;
    return (this.#block ??= this.#outer
      .#blockOf(outermost)
      .inner(this.#transaction.nextInner(), this.#borrower));
  }

  #close(refusal: () => Error): void {
    this.#refusal ??= refusal;
    this.#aside?.end();
  }

  #forget(handle: TransactionHandle): void {
    this.#handles.delete(handle);
    this.#tellQuiet();
  }

  /** Something is under way until what is returned is called. */
  #enter(borrower: Borrower): () => void {
    const entry = { ...borrower };
    this.#underWay.add(entry);
    return () => {
      this.#underWay.delete(entry);
      this.#tellQuiet();
    };
  }

  get #isQuiet(): boolean {
    return this.#handles.size === 0 && this.#underWay.size === 0;
  }

  #tellQuiet(): void {
    if (this.#isQuiet) this.#onQuiet?.();
  }

  #whenQuiet(withinMs: number): Promise<boolean> {
    return isSoon(new Promise((resolve) => (this.#onQuiet = resolve)), withinMs);
  }
}

function isAbort(reason: unknown): reason is PolicyError {
  return isPolicyError(reason) && reason.code === "transaction/aborted";
}

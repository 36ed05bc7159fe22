import { PolicyError, transactionControlsIn } from "@doorpolicy/core";

import type { CallSite } from "../call-site.ts";
import type { Guard } from "../guard.ts";
import type { BlockLimits } from "../connection/limits.ts";
import { isPipelined, type PgQuery } from "../driver/pg-internals.ts";
import { openingOf } from "./begin-commands.ts";
import { answeredBlocks, Block, openingCommands } from "./block.ts";
import { keepBytes } from "./command-bytes.ts";
import type { Borrower, ConnectionSource, Lease } from "./lease.ts";
import {
  pipelineError,
  rawControlError,
  rolledBackDraft,
  rolledBackError,
  secondTargetError,
  stalledError,
} from "./messages.ts";
import type { CheckedTransactionOptions } from "./options.ts";
import { refuseOwnLock } from "./own-lock.ts";
import { Turns } from "./turns.ts";
import type { OpenUnit } from "./unit.ts";
import { type Command, enclose } from "./wire-batch.ts";

const COMMIT: readonly Command[] = keepBytes([{ text: "COMMIT" }]);
const ROLLBACK: readonly Command[] = keepBytes([{ text: "ROLLBACK" }]);

/** The connection of a transaction, once somebody has asked for it. */
export interface Connected {
  readonly source: ConnectionSource;
  readonly lease: Lease;
  readonly turns: Turns;
  /** The transaction itself. */
  readonly outermost: Block;
}

/** How a statement travels; `isSaved`: with a savepoint of its own. */
export interface StatementForm {
  readonly isBatchable: boolean;
  readonly isSaved: boolean;
  /** Who reads it, where it is a cursor or a stream. */
  readonly reader?: CallSite | undefined;
}

/**
 * One transaction on one connection, whoever sends statements in it. The first one fixes the target,
 * and carries BEGIN with it.
 */
export class TransactionConnection {
  readonly options: CheckedTransactionOptions;
  readonly #enclosing: OpenUnit | undefined;
  readonly #isNew: boolean;
  #connecting: Promise<Connected> | undefined;
  #source: ConnectionSource | undefined;
  #connected: Connected | undefined;
  #limitsBefore: BlockLimits | undefined;
  #listenersBefore: number | undefined;
  #inner = 0;
  #isOver = false;
  /** Why nothing can be sent any more: the connection was taken, or somebody else ended the block. */
  #broken: Error | undefined;

  /** `enclosing`: the unit whose one connection it uses. `isNew`: it stands beside another one. */
  constructor(options: CheckedTransactionOptions, enclosing: OpenUnit | undefined, isNew: boolean) {
    this.options = options;
    this.#enclosing = enclosing;
    this.#isNew = isNew;
  }

  get connected(): Connected | undefined {
    return this.#connected;
  }

  /** The guard of the target, as soon as somebody has asked for a connection. */
  get guard(): Guard | undefined {
    return this.#source?.guard;
  }

  /** Whose one connection it uses. */
  get enclosing(): OpenUnit | undefined {
    return this.#enclosing;
  }

  get broken(): Error | undefined {
    return this.#broken;
  }

  /** True while a transaction is open on the server. */
  get isBegun(): boolean {
    return this.#connected?.outermost.state === "open";
  }

  /**
   * The same, as the server says: true in what the caller does with the answer to his first statement,
   * before its turn is over.
   */
  get isOpenOnServer(): boolean {
    const { lease } = this.#connected ?? {};
    return lease !== undefined && !lease.isReleased && lease.connection.status !== "I";
  }

  /** The number of the next savepoint. */
  nextInner(): number {
    return ++this.#inner;
  }

  /** What is wrong with a statement to this target, if it may not run here. */
  targetProblem(source: ConnectionSource, isRefused: boolean): Error | "independent" | undefined {
    const fixed = this.#source;
    const isSame =
      (this.options.target === undefined || this.options.target === source.target) &&
      (fixed === undefined || (fixed.target === source.target && fixed.lane === source.lane));
    if (isSame) return undefined;
    if (!isRefused) return "independent";
    const first = fixed === undefined ? `"${this.options.target}"` : nameOf(fixed);
    return secondTargetError(source.guard, first, nameOf(source));
  }

  /** What is wrong with an inner transaction that names a target of its own. */
  innerTargetProblem(wanted: string | undefined): Error | undefined {
    const fixed = this.#source?.target ?? this.options.target;
    if (wanted === undefined || fixed === undefined || wanted === fixed) return undefined;
    return secondTargetError(this.guard, `"${fixed}"`, `"${wanted}"`);
  }

  /** Takes the connection, the first time. Rejects as the pool does; the next call tries again. */
  connect(source: ConnectionSource, borrower: Borrower): Promise<Connected> {
    if (this.#connecting !== undefined) return this.#connecting;
    this.#source = source;
    return (this.#connecting = this.#connect(source, borrower));
  }

  async #connect(source: ConnectionSource, borrower: Borrower): Promise<Connected> {
    try {
      return await this.#take(source, borrower);
    } catch (error) {
      this.#connecting = undefined;
      this.#source = undefined;
      throw error;
    }
  }

  async #take(source: ConnectionSource, borrower: Borrower): Promise<Connected> {
    const { advisoryLock } = this.options;
    if (advisoryLock !== undefined) refuseOwnLock(advisoryLock, source.guard.lane);
    if (this.#isNew) this.#requireRoom(source);
    const lease = await (this.#enclosing === undefined
      ? source.take(borrower)
      : this.#enclosing.lease(source, borrower));
    const { connection } = lease;
    if (this.#isOver || isPipelined(lease.client)) {
      lease.release();
      throw this.#isOver ? new Error("The transaction has ended.") : pipelineError();
    }
    this.#limitsBefore = connection.limits;
    // Every caller in it may listen for the connection's errors, which node would take for a leak.
    this.#listenersBefore = lease.client.getMaxListeners();
    lease.client.setMaxListeners(0);
    const isTold = source.guard.tellsServer();
    const opening = openingOf(this.options, connection.limits, isTold);
    connection.setLimits(opening.limits);
    const outermost = Block.outermost(opening.commands, borrower);
    const { stallMs } = source.guard.lane.policy.units;
    const turns = new Turns(lease, stallMs, (holder) => stalledError(source.guard, holder?.owner));
    lease.onTaken = (reason) => {
      this.#broken ??= reason;
      outermost.state = "ended";
      turns.failAll(reason);
    };
    return (this.#connected = { source, lease, turns, outermost });
  }

  /** A second connection while the first one holds locks: never waited for. */
  #requireRoom({ guard, hasRoom }: ConnectionSource): void {
    const { lockTimeoutMs = guard.lane.policy.transaction.lockTimeoutMs } = this.options;
    if (lockTimeoutMs === 0) {
      throw new PolicyError(
        "unit/invalid",
        'A transaction() with `propagation: "new"` has no lock limit: it would wait for ever for a row that the outer one has locked.',
        { path: "lockTimeoutMs", hint: "Set `lockTimeoutMs`, in its options or in the policy." },
      );
    }
    if (hasRoom) return;
    throw new PolicyError(
      "transaction/no-second-connection",
      'A transaction() with `propagation: "new"` needs a second connection, and all are in use: to wait for one while holding one could last for ever.',
      { hint: "Begin it outside of the other transaction, or raise `connections.maxPerProcess`." },
    );
  }

  /** Runs an application's statement in a block, within its turn. */
  async statement(
    block: Block,
    query: PgQuery,
    { isBatchable, isSaved, reader }: StatementForm,
  ): Promise<void> {
    const { turns, lease } = this.#open();
    const opening = block.unopened;
    const auto = isSaved && !isControl(query) ? `doorpolicy_s${this.nextInner()}` : undefined;
    const begins = openingCommands(opening);
    const before = auto === undefined ? begins : [...begins, { text: `SAVEPOINT ${auto}` }];
    const after = auto === undefined ? [] : [{ text: `RELEASE SAVEPOINT ${auto}` }];
    if (opening.length > 0) this.#noteOpener(opening);
    if (before.length === 0) await turns.send(query, "block", reader);
    else if (isBatchable) {
      const progress = enclose(query, before, after);
      await turns.send(query, "block");
      turns.pushOpen(answeredBlocks(opening, progress.before));
      if (auto !== undefined && progress.before === before.length) await this.#restore(auto);
    } else {
      await this.open(block);
      if (auto !== undefined) await turns.control([{ text: `SAVEPOINT ${auto}` }], "block");
      await turns.send(query, "block", reader);
      if (auto !== undefined && !(await this.#restore(auto))) {
        await turns.control(after, "block").catch(() => undefined);
      }
    }
    if (this.isBegun && lease.connection.status === "I") this.onEndedFromWithin();
  }

  /** Opens a block and those around it, within a turn. */
  async open(block: Block): Promise<void> {
    const { turns } = this.#open();
    const opening = block.unopened;
    if (opening.length === 0) return;
    this.#noteOpener(opening);
    await turns.control(openingCommands(opening), "block", (answered) =>
      turns.pushOpen(answeredBlocks(opening, answered)),
    );
  }

  /**
   * Ends an inner block, within a turn. A block in which a statement failed is rolled back to where it
   * began. True when it was kept.
   */
  async close(block: Block, isKept: boolean): Promise<boolean> {
    const { turns, lease } = this.#open();
    const { savepoint, state } = block;
    if (state !== "open" || savepoint === undefined) {
      turns.popOpen(block);
      return isKept;
    }
    const keeps = isKept && lease.connection.status === "T";
    const release = { text: `RELEASE SAVEPOINT ${savepoint}` };
    turns.popOpen(block);
    await turns.control(
      keeps ? [release] : [{ text: `ROLLBACK TO SAVEPOINT ${savepoint}` }, release],
      "block",
    );
    return keeps;
  }

  /** Takes no statement any more. What runs ends by itself. */
  shut(error: () => Error): void {
    this.#connected?.turns.close(error);
  }

  /** COMMIT, when nothing else is sent any more. Throws when nothing was stored, or nobody knows. */
  async commit(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    const { turns, outermost } = this.#open();
    turns.popOpen(outermost);
    const [tag] = await turns.control(COMMIT, "commit");
    if (tag === "ROLLBACK") {
      const what =
        "The server answered COMMIT with ROLLBACK: a statement of the transaction had failed";
      this.guard?.report(rolledBackDraft(what, outermost.owner));
      throw rolledBackError(what);
    }
  }

  /** ROLLBACK, when nothing else is sent any more. Never throws: a connection that cannot is closed. */
  async rollBack(): Promise<void> {
    if (this.#connected === undefined || !this.isBegun) return;
    const { turns, outermost, lease } = this.#connected;
    turns.popOpen(outermost);
    // What does not come to rest is ended when the connection is given back.
    if (!lease.connection.isAtRest) return;
    await turns.control(ROLLBACK, "block").catch(() => undefined);
  }

  /** Gives the connection back as it was, at once or when it comes. Afterwards nothing is sent. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#connected === undefined) return;
    const { lease } = this.#connected;
    if (this.#limitsBefore !== undefined) lease.connection.setLimits(this.#limitsBefore);
    if (this.#listenersBefore !== undefined) lease.client.setMaxListeners(this.#listenersBefore);
    lease.onTaken = undefined;
    lease.release();
  }

  #open(): Connected {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#connected === undefined) throw new Error("The transaction has no connection.");
    return this.#connected;
  }

  /** The report of a block that idles names whoever began it. */
  #noteOpener(opening: readonly Block[]): void {
    const [first] = opening;
    if (first?.parent !== undefined) return;
    this.#connected?.lease.connection.noteStatement("BEGIN", first?.owner.site);
  }

  /** True when a statement had failed and was undone. */
  async #restore(savepoint: string): Promise<boolean> {
    const { turns, lease } = this.#open();
    if (lease.connection.status !== "E") return false;
    const undo = [
      { text: `ROLLBACK TO SAVEPOINT ${savepoint}` },
      { text: `RELEASE SAVEPOINT ${savepoint}` },
    ];
    // The statement has been answered; that the connection is lost here is the next one's error.
    await turns.control(undo, "block").catch(() => undefined);
    return true;
  }

  /** A COMMIT came through where no text shows it: nothing more of this transaction would be one. */
  onEndedFromWithin(): void {
    if (this.#broken !== undefined) return;
    const { turns, outermost, source } = this.#open();
    this.#broken = rawControlError(source.guard, "COMMIT", "a statement has ended the transaction");
    turns.popOpen(outermost);
    turns.failAll(this.#broken);
  }
}

/** A savepoint by hand in one of ours would be gone with it. */
function isControl({ text }: PgQuery): boolean {
  return text !== undefined && [...transactionControlsIn(text)].length > 0;
}

function nameOf({ target, lane }: ConnectionSource): string {
  return lane === "pooled" ? `"${target}"` : `the ${lane} lane of "${target}"`;
}

import { PolicyError } from "@doorpolicy/core";

import type { CallSite } from "./call-site.ts";
import { after, cancel, now, soon } from "./clock.ts";
import { ConnectionReports } from "./connection-reports.ts";
import type { Guard } from "./guard.ts";
import type { BlockLimits } from "./limits.ts";
import {
  lasting,
  leftOpenDraft,
  LIMIT_HELP,
  openedAt,
  overLimitDraft,
  releasedBusyDraft,
  releasedError,
} from "./messages.ts";
import { OpenBlock, type OverLimit } from "./open-block.ts";
import {
  awaitsReady,
  endsConnection,
  hasActiveQuery,
  isConnecting,
  isPipelining,
  isSettled,
  isUnusable,
  NOT_QUERYABLE,
  type PgClient,
  takeUnsent,
} from "./pg-internals.ts";
import type { ViolationDraft } from "./report.ts";
import { whenSettled } from "./settle.ts";
import { unwatch, watch, type Watched } from "./watchdog.ts";

/** Whoever has taken a connection out of a pool. */
export interface Holder {
  readonly site: CallSite;
  /** The connection is gone or was ended: the pool's slot is freed, whatever the holder does. */
  take(reason: Error): void;
}

/** What `pg.Client` itself does, below the guard. */
export interface RawClient {
  query(text: string): unknown;
  end(): Promise<void>;
}

/** How long a connection that comes back may be busy before it is destroyed: un-awaited work, a `query_timeout`. */
const DRAIN_MS = 5_000;
/** How long a ROLLBACK of ours may take. */
const ROLLBACK_MS = 5_000;
/** How long the server may take to close its side after a goodbye, before the socket is destroyed. */
const GOODBYE_MS = 5_000;
/**
 * What one connection is doing, and what may happen to it next.
 *
 * *Settled* means that the server has answered everything (`ReadyForQuery` seen, nothing queued): only
 * then is the transaction status true. Between an error and its `ReadyForQuery` it is stale.
 *
 * | state | statement | ReadyForQuery `I` | ReadyForQuery `T`, `E` | release, `end()` | limit over | connection lost |
 * | --- | --- | --- | --- | --- | --- | --- |
 * | new (not yet ready) | queued by pg | → idle | → in block | waits for the first one | – | → lost, slot freed |
 * | idle | → busy | idle | → in block | handed back at once | – | → lost, slot freed |
 * | busy | queued by pg | → idle | → in block, and acts if the total limit is over | waits until settled (`end()`: only for what has failed), then as there; after 5 s destroyed and reported | waits for the answer | → lost, slot freed |
 * | in block | → busy | → idle | in block | ROLLBACK, reported, then handed back | → ended | → lost, slot freed |
 * | returning | refused | → handed back | ROLLBACK | nothing | – | → lost, slot freed |
 * | ended | refused, with the reason | closed, slot freed | – | nothing | – | slot freed |
 * | lost | refused, with the reason | – | – | handed back at once | – | – |
 *
 * An open block is rolled back at release in every mode. Limits are watched in enforce (acts) and
 * observe (reports once a block), not in bypass.
 */
export class ConnectionGuard implements Watched {
  readonly #client: PgClient;
  readonly #raw: RawClient;
  readonly #guard: Guard;
  readonly #reports: ConnectionReports;
  #limits: BlockLimits;
  #holder: Holder | undefined;
  #block: OpenBlock | undefined;
  #openingSite: CallSite | undefined;
  /** Makes the error that every statement gets; unset while statements are taken. */
  #refuse: (() => Error) | undefined;
  #endedByPolicy: (() => PolicyError) | undefined;
  #lastServerError: unknown;
  #lost: Error | undefined;
  #isGone = false;
  #closing: Promise<void> | undefined;

  constructor(client: PgClient, guard: Guard, limits: BlockLimits, raw: RawClient) {
    this.#client = client;
    this.#guard = guard;
    this.#reports = new ConnectionReports(guard);
    this.#limits = limits;
    this.#raw = raw;
    const { connection } = client;
    // Before pg's own listeners, which it attaches when it connects: the status is fresh in query callbacks.
    connection.on("readyForQuery", (message: { status: string }) => this.#onReady(message.status));
    connection.on("errorMessage", (error: unknown) => this.#onServerError(error));
    // A checked-out client without an 'error' listener ends the process when its socket dies.
    client.on("error", (error: Error) => this.#onError(error));
    client.on("end", () => this.#onEnd());
  }

  /** The limits of its blocks. */
  get limits(): BlockLimits {
    return this.#limits;
  }

  /** Known for good when the startup packet has been read. */
  setLimits(limits: BlockLimits): void {
    this.#limits = limits;
  }

  /** The error for a statement that may not be sent now. */
  refusal(): Error | undefined {
    return this.#refuse?.();
  }

  /** Takes note of a statement about to be sent, and of its sender where it opens a block. */
  noteStatement(text: string | undefined, opener: CallSite | undefined): void {
    this.#reports.lastText = text;
    if (opener !== undefined) this.#openingSite = opener;
  }

  /** Reports a violation, with what is known about the open block. */
  report(draft: ViolationDraft): void {
    this.#reports.report(draft, this.#block, this.#holder?.site);
  }

  /** True when the socket is closed. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Gives the connection to somebody, whose statements are taken again. */
  lend(holder: Holder): void {
    this.#holder = holder;
    if (this.#endedByPolicy === undefined && this.#lost === undefined) this.#refuse = undefined;
  }

  /** Refuses the holder's statements from now on. */
  takeBack(): void {
    this.#refuse ??= releasedError;
  }

  /** The pool has it back. */
  forgetHolder(): void {
    this.#holder = undefined;
  }

  /** True when it can go to anybody as it is. */
  isClean(): boolean {
    return (
      this.#block === undefined &&
      this.#endedByPolicy === undefined &&
      !isUnusable(this.#client) &&
      isSettled(this.#client)
    );
  }

  /**
   * Waits until the connection is settled and rolls back what is open. Resolves to the reason why
   * nobody may use it again, if there is one. Never rejects.
   */
  async makeClean(): Promise<Error | undefined> {
    if (this.#lost !== undefined) return this.#lost;
    const settling = await whenSettled(this.#client, DRAIN_MS);
    if (this.#endedByPolicy !== undefined) return this.#endedByPolicy();
    if (settling === "lost") return this.#lost ?? new Error(NOT_QUERYABLE);
    if (settling === "busy") return this.#destroyBusy();
    return this.#block === undefined ? undefined : await this.#rollBackLeftOpen(this.#block);
  }

  /** True when closing needs no care: nothing is open that a goodbye would leave to the pooler. */
  canCloseAtOnce(): boolean {
    if (this.#closing !== undefined) return false;
    return isUnusable(this.#client) || (this.#block === undefined && !this.#isFailing());
  }

  /** Rolls back what is open and closes, so that the pooler keeps its server connection. Never rejects. */
  close(): Promise<void> {
    return (this.#closing ??= this.#closeWithCare());
  }

  /** Destroys the socket if the server does not close it in time. */
  boundGoodbye(): void {
    if (this.#isGone) return;
    const timer = after(GOODBYE_MS, () => this.#client.connection.stream.destroy());
    this.#client.once("end", () => cancel(timer));
  }

  nextLookAt(time: number): number {
    const at = this.#block?.limitAt(this.#limits) ?? Infinity;
    // Over and still here: a statement is running, and its answer is what is looked at next.
    return at <= time ? Infinity : at;
  }

  look(time: number): void {
    if (this.#block === undefined || this.#endedByPolicy !== undefined || !isSettled(this.#client))
      return;
    const over = this.#block.overLimit(time, this.#limits);
    if (over !== undefined) this.#onOverLimit(this.#block, over);
  }

  #onReady(status: string): void {
    this.#lastServerError = undefined;
    if (status === "I") {
      if (this.#block !== undefined) this.#forgetBlock();
      return;
    }
    if (this.#block === undefined) this.#onBlockOpened();
    else this.#onAnswerInBlock(this.#block);
  }

  #onBlockOpened(): void {
    const block = new OpenBlock(this.#openingSite ?? this.#holder?.site);
    this.#block = block;
    if (this.#guard.lane.mode !== "bypass") watch(this, block.openedAt);
  }

  #onAnswerInBlock(block: OpenBlock): void {
    block.idleSince = now();
    if (this.#endedByPolicy !== undefined || this.#guard.lane.mode === "bypass") return;
    // What is on the wire already, a COMMIT perhaps, cannot be taken back.
    if (isPipelining(this.#client)) return;
    const over = block.overLimit(block.idleSince, this.#limits);
    if (over !== undefined) this.#onOverLimit(block, over);
    if (this.#endedByPolicy === undefined) watch(this, block.idleSince);
  }

  #forgetBlock(): void {
    this.#block = undefined;
    this.#openingSite = undefined;
    unwatch(this);
  }

  #onServerError(error: unknown): void {
    this.#lastServerError = error;
    // The server closes the connection next; until that is seen, pg would take more statements.
    if (endsConnection(error)) this.#refuse ??= () => new Error(NOT_QUERYABLE, { cause: error });
  }

  #onError(error: Error): void {
    if (isConnecting(this.#client)) {
      // pg reports an unreadable password file here and then waits for ever; this ends the connect.
      this.#client.connection.stream.destroy(error);
      return;
    }
    // What the server said last ("terminating connection …") tells more than that the socket closed.
    this.#lost ??= this.#lastServerError instanceof Error ? this.#lastServerError : error;
    this.#refuse ??= () => new Error(NOT_QUERYABLE, { cause: this.#lost });
  }

  #onEnd(): void {
    this.#isGone = true;
    this.#forgetBlock();
    this.#holder?.take(this.#lost ?? new Error("Connection terminated"));
  }

  #onOverLimit(block: OpenBlock, over: OverLimit): void {
    const response = this.#guard.response(over.rule, this.#reports.lastText);
    if (response === "act") this.#endByPolicy(block, over);
    else block.markReported(over.rule);
    if (response === "report") this.#reports.report(overLimitDraft(over, "would-have"), block);
  }

  /** Poison first, then ROLLBACK, then close: after a bare ROLLBACK the next statements would autocommit. */
  #endByPolicy(block: OpenBlock, over: OverLimit): void {
    const message = `This transaction was rolled back and its connection closed: ${lasting(over)}.${openedAt(block)}`;
    const reason = (): PolicyError =>
      new PolicyError("transaction/ended-by-policy", message, { hint: LIMIT_HELP[over.rule] });
    this.#endedByPolicy = reason;
    this.#refuse = reason;
    unwatch(this);
    // Nobody awaited what came before them; sent now, a COMMIT among them would store the block.
    for (const query of takeUnsent(this.#client))
      query.handleError(reason(), this.#client.connection);
    // After pg has handled the answer that this may be called from.
    soon(() => void this.#finishEnding(block, over, reason()));
  }

  async #finishEnding(block: OpenBlock, over: OverLimit, reason: Error): Promise<void> {
    const isRolledBack = await this.#rollBack();
    this.#reports.report(overLimitDraft(over, isRolledBack ? "rolled-back" : "closed"), block);
    if (this.#holder === undefined) await this.close();
    else this.#holder.take(reason);
  }

  async #rollBackLeftOpen(block: OpenBlock): Promise<Error | undefined> {
    const isRolledBack = await this.#rollBack();
    this.#reports.report(leftOpenDraft(block, isRolledBack ? "rolled-back" : "closed"), block);
    return isRolledBack
      ? undefined
      : (this.#lost ?? new Error("The ROLLBACK of an open transaction failed"));
  }

  /** True when the server has confirmed it. */
  async #rollBack(): Promise<boolean> {
    const bound = after(ROLLBACK_MS, () => this.#client.connection.stream.destroy());
    try {
      await this.#raw.query("ROLLBACK");
      return this.#block === undefined;
    } catch {
      return false;
    } finally {
      cancel(bound);
    }
  }

  #destroyBusy(): Error {
    this.report(releasedBusyDraft(DRAIN_MS));
    return new Error("The connection was released while a statement was running");
  }

  async #closeWithCare(): Promise<void> {
    this.#refuse ??= () => new Error("Client was closed and is not queryable");
    if (this.#isFailing()) await whenSettled(this.#client, DRAIN_MS);
    const block = this.#block;
    if (block !== undefined && !isUnusable(this.#client)) {
      if (isSettled(this.#client)) await this.#rollBackLeftOpen(block);
      // pg destroys the socket under a running statement: a goodbye would wait behind it.
      else this.#reports.report(leftOpenDraft(block, "closed"), block);
    }
    if (this.#isGone) return;
    this.boundGoodbye();
    await this.#raw.end();
  }

  /** Between an error and its ReadyForQuery: a goodbye now would cost the pooler its server connection. */
  #isFailing(): boolean {
    return awaitsReady(this.#client) && !hasActiveQuery(this.#client);
  }
}

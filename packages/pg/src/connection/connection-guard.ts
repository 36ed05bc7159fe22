import { BlockWatch } from "./block-watch.ts";
import type { CallSite } from "../call-site.ts";
import { type CancelOutcome, Cancellation } from "./cancellation.ts";
import { Closing } from "./closing.ts";
import { comeToRest, DRAIN_MS, graceFor, refuseUnsent } from "./coming-back.ts";
import { ConnectionReports } from "./connection-reports.ts";
import {
  EndedByPolicy,
  type EndingHost,
  endPortal,
  onOver,
  onOverrun,
  onStalled,
  rollBack,
} from "./ending.ts";
import { carryExplanation } from "../carried-explanation.ts";
import type { Guard } from "../guard.ts";
import type { Holder, RawClient } from "./holder.ts";
import type { BlockLimits } from "./limits.ts";
import { type Fate, Loss } from "./loss.ts";
import { freedBusyDraft, leftOpenDraft, releasedBusyDraft, releasedError } from "./messages.ts";
import type { OpenBlock, OverLimit } from "./open-block.ts";
import type { BlockStatus } from "./outcome.ts";
import {
  activeQueryOf,
  isConnecting,
  isSettled,
  isUnusable,
  NOT_QUERYABLE,
  type PgClient,
  type PgQuery,
} from "../driver/pg-internals.ts";
import { ReaderWatch, type StalledReader } from "./reader-watch.ts";
import type { ViolationDraft } from "../report.ts";
import type { Settling } from "./settle.ts";

export type { Holder, RawClient } from "./holder.ts";

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
 * | busy | queued by pg | → idle | → in block, and acts if the total limit is over | waits until settled, then as there; after 1 s (`end()`: at once) cancelled and reported; where that cannot be, destroyed after 5 s (`end()`: at once) | idle: none; total: cancelled, after 5 s destroyed → ended (a COMMIT: destroyed after 5 s) | → lost, slot freed; what ran has an unknown outcome |
 * | open portal (its reader's turn) | queued by pg | → idle | → in block | the portal is closed and reported, then as there | → ended | → lost, slot freed |
 * | in block | → busy | → idle | in block | ROLLBACK, reported, then handed back | → ended | → lost, slot freed |
 * | returning | refused | → handed back | ROLLBACK | nothing | – | → lost, slot freed |
 * | ended | refused, with the reason | closed, slot freed | – | nothing | – | slot freed |
 * | lost | refused, with the reason | – | – | handed back at once | – | – |
 *
 * An open block is rolled back at release in every mode. Limits are watched in enforce (acts) and
 * observe (reports once a block), not in bypass; cancelling and closing at release are enforce's, the
 * others wait 5 s for it.
 *
 * After pg's own `query_timeout` the caller has an error, and the statement still runs: what the holder
 * sends next waits behind it, and in a block it stands or falls with the block, so that a COMMIT stores
 * what it did. Given back, such a connection counts as busy, and is cancelled at once.
 */
export class ConnectionGuard {
  readonly #client: PgClient;
  readonly #raw: RawClient;
  readonly #guard: Guard;
  readonly #reports: ConnectionReports;
  readonly #loss: Loss;
  readonly #cancellation: Cancellation;
  readonly #blocks: BlockWatch;
  readonly #readers: ReaderWatch;
  /** How the connection is ended. */
  readonly closing: Closing;
  #limits: BlockLimits;
  #holder: Holder | undefined;
  /** Makes the error that every statement gets; unset while statements are taken. */
  #refuse: (() => Error) | undefined;
  readonly #ended = new EndedByPolicy();
  #lost: Error | undefined;
  #isGone = false;
  #status: BlockStatus = "I";

  constructor(client: PgClient, guard: Guard, limits: BlockLimits, raw: RawClient) {
    this.#client = client;
    this.#guard = guard;
    this.#reports = new ConnectionReports(guard);
    this.#limits = limits;
    this.#raw = raw;
    client.connection.on("errorMessage", (error: unknown) => this.#onServerError(error));
    client.connection.on("error", carryExplanation);
    this.#loss = new Loss(client, guard, this.#reports, () => ({
      status: this.#status,
      block: this.#blocks.block,
      limits: this.#limits,
      site: this.#holder?.site,
    }));
    this.#cancellation = new Cancellation(client, guard, raw.hasOwnSocket);
    const isWatching = guard.lane.mode !== "bypass";
    const host = {
      limits: () => this.#limits,
      block: () => this.#blocks.block,
      holderSite: () => this.#holder?.site,
      onOver: (block: OpenBlock, over: OverLimit) => {
        if (!this.#isOver) onOver(this.#endingHost(), block, over);
      },
      onOverrun: (block: OpenBlock, over: OverLimit) => {
        // A portal that is read has limits of its own.
        if (!this.#isOver && !this.#readers.isReading) onOverrun(this.#endingHost(), block, over);
      },
      onStalled: (reader: StalledReader) => {
        if (!this.#isOver) onStalled(this.#endingHost(), reader);
      },
    };
    this.#blocks = new BlockWatch(client, host, isWatching);
    this.#readers = new ReaderWatch(client, host, isWatching);
    this.closing = new Closing(client, this.#closingHost());
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

  /** The transaction status of the last `ReadyForQuery`; the truth only while {@link isAtRest}. */
  get status(): "I" | "T" | "E" {
    return this.#status;
  }

  /** True when the server has answered everything that was sent. */
  get isAtRest(): boolean {
    return isSettled(this.#client) && !this.#cancellation.isUnderWay;
  }

  /** True while the server owes an answer; not while an open portal waits for whoever reads it. */
  get isServerWorking(): boolean {
    return !this.isAtRest && !this.#readers.isServerWaiting;
  }

  /**
   * Sends a query as it is, past what the guard does to an application's own statements. `fate` is what
   * becomes of it if the connection is lost before it is answered, whatever its text says.
   */
  send(query: PgQuery, fate: Fate): void {
    this.noteStatement(query.text, undefined);
    this.#loss.noteFate(query, fate);
    this.#raw.query(query);
  }

  /**
   * Asks the server to cancel what is running, over a socket of its own. The connection is not
   * {@link isAtRest} before that socket is closed and the server ready, since a late request would hit
   * what comes next; whoever calls lets nothing be sent until then. Never rejects.
   */
  cancelRunning(): Promise<CancelOutcome> {
    return this.#cancellation.run();
  }

  /** A cursor or a stream is about to be sent. */
  noteReader(query: PgQuery, site: CallSite): void {
    this.#readers.add(query, site);
  }

  /** pg has stopped waiting for a statement (`query_timeout`), which still runs. */
  noteGivenUp(query: PgQuery): void {
    this.#loss.noteGivenUp(query);
  }

  /** Takes note of a statement about to be sent, and of its sender where it opens a block. */
  noteStatement(text: string | undefined, opener: CallSite | undefined): void {
    this.#reports.lastText = text;
    if (opener !== undefined) this.#blocks.noteOpener(opener);
  }

  /** Reports a violation, with what is known about the open block. */
  report(draft: ViolationDraft): void {
    this.#reports.report(draft, this.#blocks.block, this.#holder?.site);
  }

  /** True when the socket is closed. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Gives the connection to somebody, whose statements are taken again. */
  lend(holder: Holder): void {
    this.#holder = holder;
    if (this.#ended.reason === undefined && this.#lost === undefined) this.#refuse = undefined;
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
      this.#blocks.block === undefined &&
      this.#ended.reason === undefined &&
      !isUnusable(this.#client) &&
      this.isAtRest
    );
  }

  /**
   * Waits until the connection is settled and rolls back what is open. Resolves to the reason why
   * nobody may use it again, if there is one. Never rejects.
   */
  async makeClean(): Promise<Error | undefined> {
    if (this.#lost !== undefined) return this.#lost;
    const settling = await this.#comeToRest(() => graceFor(this.#loss.isGivenUp));
    if (this.#ended.reason !== undefined) return await this.#ended.whenDone();
    if (settling === "lost") return this.#lost ?? new Error(NOT_QUERYABLE);
    if (settling === "stuck") return new Error("The connect callback has thrown");
    if (settling === "busy") {
      this.report(releasedBusyDraft(DRAIN_MS));
      return new Error("The connection was released while a statement was running");
    }
    return this.#blocks.block === undefined
      ? undefined
      : await this.#rollBackLeftOpen(this.#blocks.block);
  }

  /** The server is ready for the next statement. Called before pg looks at it: the status is fresh in query callbacks. */
  noteReady(status: string): void {
    this.#status = status === "T" || status === "E" ? status : "I";
    this.#blocks.onReady(this.#status);
  }

  #onServerError(error: unknown): void {
    carryExplanation(error);
    this.#cancellation.noteError(error);
    // The server closes the connection next; until that is seen, pg would take more statements.
    if (this.#loss.onServerError(error)) this.#refuse ??= () => this.#loss.refusal();
  }

  #onError(error: Error): void {
    carryExplanation(error);
    if (isConnecting(this.#client)) {
      // pg reports an unreadable password file here and then waits for ever; this ends the connect.
      this.#client.connection.stream.destroy(error);
      return;
    }
    this.#loss.onLost(error);
    this.#lost ??= this.#loss.reason;
    this.#refuse ??= () => this.#loss.refusal();
  }

  #onEnd(): void {
    this.#isGone = true;
    this.#readers.stop();
    this.#blocks.forget();
    this.#holder?.take(this.#lost ?? new Error("Connection terminated"));
  }

  /** Ended by the policy, or the server has said its last word, though its socket may still be there. */
  get #isOver(): boolean {
    return this.#ended.reason !== undefined || this.#loss.reason !== undefined;
  }

  #endingHost(): EndingHost {
    return {
      client: this.#client,
      reports: this.#reports,
      query: (text) => this.#raw.query(text),
      block: () => this.#blocks.block,
      holderSite: () => this.#holder?.site,
      response: (rule) => this.#guard.response(rule, this.#reports.lastText),
      onEnded: () => this.#ended.finish(),
      poison: (reason) => {
        this.#ended.begin(reason);
        this.#refuse = reason;
        this.#readers.stop();
        this.#blocks.stop();
      },
      cancelRunning: () => this.cancelRunning(),
      isCancellable: this.#cancellation.isSupported,
      giveUp: async (reason) => {
        if (this.#holder === undefined) await this.closing.close();
        else this.#holder.take(reason);
      },
    };
  }

  async #rollBackLeftOpen(block: OpenBlock): Promise<Error | undefined> {
    const isRolledBack = await rollBack(this.#endingHost());
    this.#reports.report(leftOpenDraft(block, isRolledBack ? "rolled-back" : "closed"), block);
    return isRolledBack
      ? undefined
      : (this.#lost ?? new Error("The ROLLBACK of an open transaction failed"));
  }

  #comeToRest(graceMs: () => number): Promise<Settling> {
    const client = this.#client;
    return comeToRest({
      client,
      graceMs,
      mayAct: this.#mayAct,
      isServerWaiting: () => this.#readers.isServerWaiting,
      endPortal: () => {
        const portal = activeQueryOf(client);
        if (portal !== undefined) endPortal(client, portal, releasedError());
        return portal !== undefined;
      },
      cancelRunning: () => this.cancelRunning(),
      refuseUnsent: () => refuseUnsent(client, releasedError),
      onFreed: (what) => this.report(freedBusyDraft(what)),
    });
  }

  #closingHost(): ConstructorParameters<typeof Closing>[1] {
    return {
      block: () => this.#blocks.block,
      isGone: () => this.#isGone,
      mayFree: () =>
        this.#mayAct && (this.#cancellation.isSupported || this.#readers.isServerWaiting),
      refuseStatements: () => {
        this.#refuse ??= () => new Error("Client was closed and is not queryable");
      },
      comeToRest: () => this.#comeToRest(() => 0),
      rollBackLeftOpen: (block) => this.#rollBackLeftOpen(block),
      reportClosed: (block) => this.#reports.report(leftOpenDraft(block, "closed"), block),
      sayGoodbye: () => this.#raw.end(),
    };
  }

  /** True when what a holder leaves running may be ended, and not only reported. */
  get #mayAct(): boolean {
    return this.#guard.response("connections/released-busy") === "act";
  }
}

import type { CallSite } from "./call-site.ts";
import { now } from "./clock.ts";
import type { BlockLimits } from "./limits.ts";
import { OpenBlock, type OverLimit } from "./open-block.ts";
import type { BlockStatus } from "./outcome.ts";
import { isPipelining, isSettled, type PgClient } from "./pg-internals.ts";
import { unwatch, watch, type Watched } from "./watchdog.ts";

/** What the watch asks of its connection, and tells it. */
export interface BlockHost {
  limits(): BlockLimits;
  /** Who holds the connection, where nobody was seen to open the block. */
  holderSite(): CallSite | undefined;
  onOver(block: OpenBlock, over: OverLimit): void;
}

/**
 * The open block of one connection, as each `ReadyForQuery` says it, and its limits. A limit is looked
 * at while no statement runs: by the watchdog, and by the answer of a statement that took longer.
 */
export class BlockWatch implements Watched {
  readonly #client: PgClient;
  readonly #host: BlockHost;
  readonly #isWatching: boolean;
  #block: OpenBlock | undefined;
  #opener: CallSite | undefined;
  #isEnding = false;

  constructor(client: PgClient, host: BlockHost, isWatching: boolean) {
    this.#client = client;
    this.#host = host;
    this.#isWatching = isWatching;
  }

  /** Unset while no block is open. */
  get block(): OpenBlock | undefined {
    return this.#block;
  }

  /** Takes note of who sends the statement that opens a block. */
  noteOpener(site: CallSite): void {
    this.#opener = site;
  }

  /** The server has answered, and says whether a block is open. */
  onReady(status: BlockStatus): void {
    if (status === "I") {
      if (this.#block !== undefined) this.forget();
    } else if (this.#block === undefined) {
      this.#block = new OpenBlock(this.#opener ?? this.#host.holderSite());
      if (this.#isWatching && !this.#isEnding) watch(this, this.#block.openedAt);
    } else {
      this.#onAnswer(this.#block);
    }
  }

  /** The block is gone, or its connection is. */
  forget(): void {
    this.#block = undefined;
    this.#opener = undefined;
    unwatch(this);
  }

  /** Its ending has begun; its limits say no more. */
  stop(): void {
    this.#isEnding = true;
    unwatch(this);
  }

  nextLookAt(time: number): number {
    const at = this.#block?.limitAt(this.#host.limits()) ?? Infinity;
    // Over and still here: a statement is running, and its answer is what is looked at next.
    return at <= time ? Infinity : at;
  }

  look(time: number): void {
    if (this.#block === undefined || this.#isEnding || !isSettled(this.#client)) return;
    const over = this.#block.overLimit(time, this.#host.limits());
    if (over !== undefined) this.#host.onOver(this.#block, over);
  }

  #onAnswer(block: OpenBlock): void {
    block.idleSince = now();
    if (this.#isEnding || !this.#isWatching) return;
    // What is on the wire already, a COMMIT perhaps, cannot be taken back.
    if (isPipelining(this.#client)) return;
    const over = block.overLimit(block.idleSince, this.#host.limits());
    if (over !== undefined) this.#host.onOver(block, over);
    if (!this.#isEnding) watch(this, block.idleSince);
  }
}

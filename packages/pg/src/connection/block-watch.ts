import type { CallSite } from "../call-site.ts";
import { now } from "../clock.ts";
import type { BlockLimits } from "./limits.ts";
import { OpenBlock, type OverLimit } from "./open-block.ts";
import type { BlockStatus } from "./outcome.ts";
import { isPipelining, isSettled, type PgClient } from "../driver/pg-internals.ts";
import { contaminationOf } from "../statements/contamination.ts";
import { unwatch, watch, type Watched } from "./watchdog.ts";

/** What the watch asks of its connection, and tells it. */
export interface BlockHost {
  limits(): BlockLimits;
  /** Who holds the connection, where nobody was seen to open the block. */
  holderSite(): CallSite | undefined;
  onOver(block: OpenBlock, over: OverLimit): void;
  /** The total limit is over while a statement runs, or while its BEGIN has no answer. */
  onOverrun(block: OpenBlock, over: OverLimit): void;
}

/**
 * The open block of one connection, as each `ReadyForQuery` says it, and its limits. The idle limit is
 * looked at while no statement runs; the total one always, and from the moment when BEGIN was sent: a
 * network that swallows everything answers nothing.
 */
export class BlockWatch implements Watched {
  readonly #client: PgClient;
  readonly #host: BlockHost;
  readonly #isWatching: boolean;
  #block: OpenBlock | undefined;
  /** A BEGIN was sent, and not answered yet. */
  #begun: OpenBlock | undefined;
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
    if (this.#block !== undefined) return;
    this.#begun = new OpenBlock(site);
    if (this.#isWatching && !this.#isEnding) watch(this, this.#begun.openedAt);
  }

  /** The server has answered, and says whether a block is open. */
  onReady(status: BlockStatus): void {
    if (status === "I") {
      if (this.#block !== undefined || this.#begun !== undefined) this.forget();
    } else if (this.#block === undefined) {
      if (this.#begun === undefined) contaminationOf(this.#client)?.noteOpened();
      this.#block = this.#begun ?? new OpenBlock(this.#host.holderSite());
      this.#block.idleSince = now();
      this.#begun = undefined;
      if (this.#isWatching && !this.#isEnding) watch(this, this.#block.openedAt);
    } else {
      this.#onAnswer(this.#block);
    }
  }

  /** The block is gone, or its connection is. */
  forget(): void {
    this.#block = undefined;
    this.#begun = undefined;
    unwatch(this);
  }

  /** Its ending has begun; its limits say no more. */
  stop(): void {
    this.#isEnding = true;
    unwatch(this);
  }

  nextLookAt(time: number): number {
    return (this.#block ?? this.#begun)?.limitAfter(time, this.#host.limits()) ?? Infinity;
  }

  look(time: number): void {
    const block = this.#block ?? this.#begun;
    if (block === undefined || this.#isEnding) return;
    const limits = this.#host.limits();
    if (!isSettled(this.#client)) {
      const over = block.overTotal(time, limits.timeoutMs);
      if (over !== undefined) this.#host.onOverrun(block, over);
    } else if (block === this.#block) {
      const over = block.overLimit(time, limits);
      if (over !== undefined) this.#host.onOver(block, over);
    }
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

import type { CallSite } from "../call-site.ts";
import { now, soon } from "../clock.ts";
import type { PgQuery } from "../driver/pg-internals.ts";
import { whenAnswered, whenAtRest } from "./at-rest.ts";
import type { Block } from "./block.ts";
import type { Lease } from "./lease.ts";
import { StallWatch } from "./stall-watch.ts";
import { type Command, ControlBatch } from "./wire-batch.ts";

/** What a lost connection means for something that was sent; see `ConnectionGuard.send`. */
export type Fate = "autocommit" | "block" | "commit";

/** Something to be done on the connection when it is its turn. */
export interface Turn {
  /** Where it belongs, asked when it may run: a handle's BEGIN before it may have changed that. */
  readonly block: () => Block;
  /** Resolves when the connection is at rest again. What it throws goes to `fail`. */
  readonly run: () => Promise<void>;
  /** It will not run, or has failed. */
  readonly fail: (error: Error) => void;
  /** It has run, and not failed. */
  readonly done?: () => void;
}

interface WaitingTurn {
  readonly turn: Turn;
  readonly since: number;
}

/**
 * One connection, several handles, one statement at a time. A statement runs when its block is the
 * innermost that is open: what stands between a savepoint and its end is one owner's alone, because
 * `RELEASE` of one savepoint destroys the later ones of others, and `ROLLBACK TO` takes their rows.
 *
 * | state | statement of the innermost block | statement of another block | end of the innermost | connection lost |
 * | --- | --- | --- | --- | --- |
 * | at rest | runs | waits, `stallMs` at most while nothing runs | → at rest | all fail |
 * | running | waits its turn, `stallMs` at most while nothing moves: a stream whose reader waits | waits likewise | waits its turn | all fail |
 * | cancelling | waits: a late request would hit it | waits | waits | all fail |
 * | closed | fails | fails | – | – |
 */
export class Turns {
  readonly lease: Lease;
  readonly #stack: Block[] = [];
  readonly #waiting: WaitingTurn[] = [];
  readonly #stall: StallWatch;
  #running: Turn | undefined;
  #cancelling: Promise<unknown> | undefined;
  #closed: (() => Error) | undefined;
  #onIdle: (() => void)[] = [];

  constructor(lease: Lease, stallMs: number, stalled: (holder: Block | undefined) => Error) {
    this.lease = lease;
    this.#stall = new StallWatch(lease, stallMs, (before) => {
      this.#failWaiting(stalled(this.innermost), ({ since }) => since <= before);
    });
  }

  /** The innermost block that is open. */
  get innermost(): Block | undefined {
    return this.#stack.at(-1);
  }

  /** True while nothing runs and nothing waits. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#waiting.length === 0;
  }

  /** The block of what is running. */
  get runningIn(): Block | undefined {
    return this.#running?.block();
  }

  enqueue(turn: Turn): void {
    if (this.#closed !== undefined) {
      fail(turn, this.#closed());
      return;
    }
    // Nearly always nobody is in front: it is not queued, watched and looked for then.
    if (this.isIdle && this.#cancelling === undefined && this.#mayRun(turn.block())) {
      void this.#run(turn);
      return;
    }
    this.#waiting.push({ turn, since: now() });
    this.#next();
  }

  /** Resolves when nothing runs. */
  whenNothingRuns(): Promise<void> {
    if (this.#running === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Fails what has not run yet. */
  failAll(error: Error): void {
    this.#failWaiting(error, () => true);
  }

  /** Runs no turn any more: what waits fails, and what comes. What runs ends by itself. */
  close(error: () => Error): void {
    this.#closed ??= error;
    // An error with its stack is made for somebody only.
    if (this.#waiting.length > 0) this.failAll(error());
  }

  /** Asks the server to cancel what runs. Nothing is sent until no such request can arrive any more. */
  async cancelRunning(): Promise<void> {
    this.#cancelling = this.lease.connection.cancelRunning();
    await this.#cancelling;
    this.#cancelling = undefined;
    this.#next();
  }

  /** Takes note that blocks are open on the server now: outermost first. */
  pushOpen(blocks: readonly Block[]): void {
    for (const block of blocks) {
      block.state = "open";
      this.#stack.push(block);
    }
  }

  /** Takes note that a block and what was open in it are over. */
  popOpen(block: Block): void {
    const index = this.#stack.indexOf(block);
    if (index !== -1) for (const over of this.#stack.splice(index)) over.state = "ended";
    block.state = "ended";
  }

  /**
   * Sends statements of ours and waits until the connection is at rest. Only within a turn. `onAnswered`
   * hears how many of them the server has carried out, also when one of them fails.
   */
  async control(
    commands: readonly Command[],
    fate: Fate,
    onAnswered?: (count: number) => void,
  ): Promise<readonly string[]> {
    const batch = new ControlBatch(commands);
    if (this.#cancelling !== undefined) await this.#cancelling;
    this.#requireOpen();
    this.lease.connection.send(batch, fate);
    await batch.answered;
    if (batch.error !== undefined) await whenAtRest(this.lease.client);
    onAnswered?.(batch.tags.length);
    if (batch.error !== undefined) throw batch.error;
    return batch.tags;
  }

  /**
   * Sends a query and waits until the connection is at rest. Only within a turn. Throws what refuses it;
   * what the server says is the query's own. `reader`: who sends a cursor or a stream, whose portal stays
   * open until he has read it.
   */
  async send(query: PgQuery, fate: Fate, reader?: CallSite): Promise<void> {
    if (this.#cancelling !== undefined) await this.#cancelling;
    this.#requireOpen();
    const { client, connection } = this.lease;
    if (reader === undefined) {
      const answered = whenAnswered(client, query);
      connection.send(query, fate);
      await answered;
    } else {
      connection.noteReader(query, reader);
      connection.send(query, fate);
      await whenAtRest(client);
    }
  }

  /** Given back meanwhile, the connection may be somebody else's. */
  #requireOpen(): void {
    const refusal = this.lease.refusal() ?? this.lease.connection.refusal();
    if (refusal !== undefined) throw refusal;
  }

  /** Called when what blocks the waiting may have changed. */
  #next(): void {
    if (this.#running !== undefined || this.#cancelling !== undefined) {
      // What runs may be a stream, and its reader may wait for this.
      if (this.#waiting.length > 0) this.#stall.start();
      return;
    }
    const index = this.#waiting.findIndex(({ turn }) => this.#mayRun(turn.block()));
    const [next] = index === -1 ? [] : this.#waiting.splice(index, 1);
    if (this.#waiting.length === 0) this.#stall.stop();
    else this.#stall.start();
    if (next !== undefined) void this.#run(next.turn);
  }

  #mayRun(block: Block): boolean {
    // One that is over is run at once, to be refused.
    return block.isOver || block.nearestOpen === this.innermost;
  }

  async #run(turn: Turn): Promise<void> {
    this.#running = turn;
    try {
      await turn.run();
      turn.done?.();
    } catch (error) {
      fail(turn, error instanceof Error ? error : new Error(String(error)));
    }
    this.#running = undefined;
    this.#stall.touch();
    if (this.#onIdle.length > 0) {
      const waiting = this.#onIdle;
      this.#onIdle = [];
      for (const resolve of waiting) resolve();
    }
    if (this.#waiting.length > 0) this.#next();
  }

  #failWaiting(error: Error, isMeant: (turn: WaitingTurn) => boolean): void {
    const meant = this.#waiting.filter(isMeant);
    for (const one of meant) this.#waiting.splice(this.#waiting.indexOf(one), 1);
    for (const { turn } of meant) fail(turn, error);
    if (this.#waiting.length === 0) this.#stall.stop();
  }
}

/** What an application's callback throws is an uncaught exception, as with pg, and stops no other turn. */
function fail(turn: Turn, error: Error): void {
  try {
    turn.fail(error);
  } catch (thrown) {
    soon(() => {
      throw thrown;
    });
  }
}

import type { CallSite } from "../call-site.ts";
import { now } from "../clock.ts";
import type { ConnectionGuard, Holder } from "../connection/connection-guard.ts";
import type { Guard } from "../guard.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import type { Borrower, ConnectionSource, Lease } from "./lease.ts";
import { stalledError } from "./messages.ts";
import { StallWatch } from "./stall-watch.ts";

interface Waiter {
  readonly borrower: Borrower;
  readonly since: number;
  readonly resolve: (lease: Lease) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The one connection of a unit to one lane: taken from the pool at the first call, lent to one caller
 * after another, given back when the unit has ended and nobody has it.
 *
 * | state | borrow | give back | unit ends | taken by the guard |
 * | --- | --- | --- | --- | --- |
 * | none | takes one from the pool → lent | – | → over | – |
 * | free; none where its pool is being ended | → lent | – | given back → over | → none |
 * | lent | waits, `stallMs` at most without progress of the holder | made clean → free, or lent to the next | given back when it comes back | the holder's statements are refused; → none |
 * | over | as outside: the unit no longer asks | – | – | – |
 */
export class Session {
  readonly #source: ConnectionSource;
  readonly #waiting: Waiter[] = [];
  #lease: Lease | undefined;
  #holder: SessionLease | undefined;
  /** True from the moment when somebody is served until he has his connection. */
  #isServing = false;
  #isOver = false;
  #stall: StallWatch | undefined;

  constructor(source: ConnectionSource) {
    this.#source = source;
  }

  /** Its guard, while the caller who has it has a transaction open. */
  get openIn(): Guard | undefined {
    const isOpen = this.#holder !== undefined && this.#lease?.connection.status !== "I";
    return isOpen ? this.#source.guard : undefined;
  }

  /** True once it has one of its pool's. */
  get hasConnection(): boolean {
    return this.#lease !== undefined;
  }

  /** FIFO. Rejects as the pool does, or with `unit/stalled`. */
  borrow(borrower: Borrower): Promise<Lease> {
    // The usual case in a unit: the one before has given it back, and nobody waits.
    const isFree = !this.#isServing && this.#holder === undefined && this.#waiting.length === 0;
    if (isFree && this.#lease !== undefined)
      return Promise.resolve(this.#lend(this.#lease, borrower));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ borrower, since: now(), resolve, reject });
      this.#serve();
    });
  }

  /** The unit has ended. Whoever has the connection or waits for it is served still. */
  end(): void {
    this.#isOver = true;
    this.#serve();
  }

  #serve(): void {
    if (this.#isServing || this.#holder !== undefined) {
      if (this.#waiting.length > 0) this.#stall?.start();
      return;
    }
    const next = this.#waiting.shift();
    if (next === undefined) {
      if (this.#isOver || this.#source.isEnding) this.#giveBack();
      return;
    }
    this.#isServing = true;
    void this.#lendTo(next);
  }

  async #lendTo({ borrower, resolve, reject }: Waiter): Promise<void> {
    try {
      const lease = (this.#lease ??= await this.#take(borrower));
      resolve(this.#lend(lease, borrower));
    } catch (error) {
      reject(error);
    }
    this.#isServing = false;
    this.#serve();
  }

  #lend(lease: Lease, borrower: Borrower): SessionLease {
    const lent = new SessionLease(lease, borrower, (failure) => this.#onReturned(lent, failure));
    this.#holder = lent;
    return lent;
  }

  async #take(borrower: Borrower): Promise<Lease> {
    const lease = await this.#source.take(borrower);
    lease.onTaken = (reason) => {
      this.#lease = undefined;
      this.#stall?.stop();
      this.#stall = undefined;
      this.#holder?.take(reason);
    };
    lease.onIdle = () => {
      if (this.#holder !== undefined || this.#isServing) return false;
      this.#giveBack();
      return true;
    };
    const { stallMs } = this.#source.guard.lane.policy.units;
    this.#stall = new StallWatch(lease, stallMs, (before) => this.#onStall(before));
    return lease;
  }

  #giveBack(error?: unknown): void {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#stall?.stop();
    this.#stall = undefined;
    lease?.release(error);
  }

  #onReturned(lent: SessionLease, failure: unknown): void {
    if (this.#holder !== lent) return;
    this.#holder = undefined;
    this.#stall?.stop();
    this.#stall?.touch();
    if (failure !== undefined) this.#giveBack(failure);
    this.#serve();
  }

  #onStall(before: number): void {
    const late = this.#waiting.filter(({ since }) => since <= before);
    for (const waiter of late) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.reject(stalledError(this.#source.guard, this.#holder?.borrower));
    }
    if (this.#waiting.length === 0) this.#stall?.stop();
  }
}

/** The unit's connection while one caller of the unit has it. */
class SessionLease implements Lease, Holder {
  readonly client: PgClient;
  readonly connection: ConnectionGuard;
  readonly borrower: Borrower;
  onTaken: ((reason: Error) => void) | undefined;
  onIdle: (() => boolean) | undefined;
  readonly #outer: Lease;
  readonly #onReturned: (failure: unknown) => void;
  #reason: Error | undefined;
  #isReleased = false;

  constructor(outer: Lease, borrower: Borrower, onReturned: (failure: unknown) => void) {
    this.client = outer.client;
    this.connection = outer.connection;
    this.borrower = borrower;
    this.#outer = outer;
    this.#onReturned = onReturned;
    this.connection.lend(this);
  }

  get site(): CallSite {
    return this.borrower.site;
  }

  get isReleased(): boolean {
    return this.#isReleased;
  }

  refusal(): Error | undefined {
    return this.#isReleased ? (this.#reason ?? this.#outer.refusal()) : undefined;
  }

  readonly release = (error?: unknown): void => {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.connection.takeBack();
    // pg-pool gives back what it has no error for with `null`.
    const hasFailed = error !== undefined && error !== null;
    if (!hasFailed && this.connection.isClean()) {
      this.#onReturned(undefined);
      return;
    }
    const back = (failure: unknown): void => this.#onReturned(this.#broken(error, failure));
    void this.connection.makeClean().then(back, back);
  };

  /** The guard has lost or ended the connection: it belongs to the pool, which is told first. */
  take(reason: Error): void {
    if (!this.#outer.isReleased) this.#outer.take(reason);
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#reason = reason;
    this.onTaken?.(reason);
    this.#onReturned(undefined);
  }

  /**
   * pg-pool's `query()` releases with the error of every statement that fails, a unique violation too.
   * That is no reason to leave a connection: the unit keeps it unless it cannot be used any more.
   */
  #broken(error: unknown, failure: unknown): unknown {
    return failure ?? (this.connection.isClean() ? undefined : (error ?? undefined));
  }
}

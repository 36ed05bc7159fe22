import type { Borrower } from "../units/lease.ts";
import type { PooledConnection } from "./pooled-connection.ts";

/** What a caller asked a pool for. */
export interface Request {
  readonly borrower: Borrower;
  /** Called once, never before the call that asked has returned. */
  deliver(error: Error | undefined, connection: PooledConnection | undefined): void;
}

/** One caller who waits. */
export interface Waiter extends Request {
  /** When it came, and when its time is over; milliseconds of the monotonic clock. */
  readonly since: number;
  readonly deadline: number;
}

interface Link {
  readonly waiter: Waiter;
  before: Link | undefined;
  after: Link | undefined;
}

/**
 * Callers in the order in which they came. Thousands may wait and any one may leave, so that nothing
 * here takes longer the more there are: an array would be searched, and a `Set` of which the first
 * is taken over and over walks over what it has deleted.
 */
export class WaitQueue {
  #first: Link | undefined;
  #last: Link | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Who has waited longest. */
  get first(): Waiter | undefined {
    return this.#first?.waiter;
  }

  /** Returns how to leave the queue before one's turn; true where that was not too late. */
  push(waiter: Waiter): () => boolean {
    const link: Link = { waiter, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    this.#size += 1;
    return () => this.#remove(link);
  }

  shift(): Waiter | undefined {
    const link = this.#first;
    if (link !== undefined) this.#remove(link);
    return link?.waiter;
  }

  #remove(link: Link): boolean {
    const isHere = link.before !== undefined || this.#first === link;
    if (!isHere) return false;
    if (link.before === undefined) this.#first = link.after;
    else link.before.after = link.after;
    if (link.after === undefined) this.#last = link.before;
    else link.after.before = link.before;
    link.before = undefined;
    link.after = undefined;
    this.#size -= 1;
    return true;
  }
}

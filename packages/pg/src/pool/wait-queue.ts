import { cancel, now, type Timer } from "../clock.ts";
import { onAbort } from "../abort-signal.ts";
import { later } from "./later.ts";
import type { Borrower } from "../units/lease.ts";
import type { PooledConnection } from "./pooled-connection.ts";

/** What a caller asked a pool for. */
export interface Request {
  readonly borrower: Borrower;
  /** Called once, never before the call that asked has returned. */
  readonly deliver: (error: Error | undefined, connection: PooledConnection | undefined) => void;
}

/** What is told of callers who leave the queue unserved. */
export interface QueueHost {
  /** Nobody has served this one within the limit. */
  onTimeout(request: Request): void;
  /** One has given up. */
  onAborted(): void;
}

/** One caller who waits. */
interface Waiter {
  readonly request: Request;
  /** When it came, in milliseconds of the monotonic clock. */
  readonly since: number;
}

/** Timers of the same length that were set one after the other may fire in the other order, by so much. */
const TICK_MS = 2;

interface Link {
  readonly waiter: Waiter;
  before: Link | undefined;
  after: Link | undefined;
}

/**
 * Callers in the order in which they came. Thousands may wait and any one may leave, so that nothing
 * here takes longer the more there are: an array would be searched, and a `Set` of which the first
 * is taken over and over walks over what it has deleted. All wait equally long at most, so that one timer
 * serves them all.
 */
export class WaitQueue {
  readonly #limitMs: number;
  readonly #host: QueueHost;
  #first: Link | undefined;
  #last: Link | undefined;
  #size = 0;
  #timer: Timer | undefined;

  constructor(limitMs: number, host: QueueHost) {
    this.#limitMs = limitMs;
    this.#host = host;
  }

  get size(): number {
    return this.#size;
  }

  /** Since when the first has waited; `undefined` where nobody does. */
  get waitingSince(): number | undefined {
    return this.#first?.waiter.since;
  }

  push(request: Request): void {
    const { signal } = request.borrower;
    if (signal !== undefined) {
      this.#pushAbortable(request, signal);
      return;
    }
    this.#append(request);
  }

  /** Takes who has waited longest. */
  shift(): Request | undefined {
    const link = this.#first;
    if (link !== undefined) this.#remove(link);
    return link?.waiter.request;
  }

  /** Empties it. */
  *takeAll(): Iterable<Request> {
    cancel(this.#timer);
    this.#timer = undefined;
    for (let next = this.shift(); next !== undefined; next = this.shift()) yield next;
  }

  #pushAbortable({ borrower, deliver }: Request, signal: AbortSignal): void {
    const link = this.#append({
      borrower,
      deliver: (error, connection) => {
        forget();
        deliver(error, connection);
      },
    });
    const forget = onAbort(signal, () => {
      if (!this.#remove(link)) return;
      deliver(asError(signal.reason), undefined);
      this.#host.onAborted();
    });
  }

  #append(request: Request): Link {
    const waiter = { request, since: now() };
    const link: Link = { waiter, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    this.#size += 1;
    this.#timer ??= later(this.#limitMs, () => this.#onTimer());
    return link;
  }

  /** A connection was given the same time as those who wait for it, and has not come: their time is over too. */
  expire(): void {
    this.#onTimer(TICK_MS);
  }

  #onTimer(slackMs: number = 0): void {
    cancel(this.#timer);
    this.#timer = undefined;
    const time = now() + slackMs;
    for (let since = this.waitingSince; since !== undefined; since = this.waitingSince) {
      const leftMs = since + this.#limitMs - time;
      if (leftMs > 0) {
        this.#timer = later(Math.ceil(leftMs), () => this.#onTimer());
        return;
      }
      const request = this.shift();
      if (request !== undefined) this.#host.onTimeout(request);
    }
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

/** What a promise was rejected with, or a signal aborted with, as an error. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

import { cancel, now, type Timer } from "../clock.ts";
import { onAbort } from "../abort-signal.ts";
import { later } from "./later.ts";
import type { Borrower } from "../units/lease.ts";
import type { PooledConnection } from "./pooled-connection.ts";

/** What a caller asked a pool for, and its place in the queue. */
export interface Request {
  readonly borrower: Borrower;
  /** Called once, never before the call that asked has returned. Never throws: others are served behind it. */
  deliver(error: Error | undefined, connection: PooledConnection | undefined): void;
  /** When it came, in milliseconds of the monotonic clock. This and what follows belongs to the queue. */
  since: number;
  before: Request | undefined;
  after: Request | undefined;
  /** Called when it leaves the queue, however. */
  onLeave: (() => void) | undefined;
}

/** What is told of callers who leave the queue unserved. */
export interface QueueHost {
  /** Nobody has served this one within the limit. */
  onTimeout(request: Request): void;
  /** One has given up. */
  onAborted(): void;
}

/** Timers of the same length that were set one after the other may fire in the other order, by so much. */
const TICK_MS = 2;

/**
 * Callers in the order in which they came. Thousands may wait and any one may leave, so that nothing
 * here takes longer the more there are: an array would be searched, and a `Set` of which the first
 * is taken over and over walks over what it has deleted. All wait equally long at most, so that one timer
 * serves them all.
 */
export class WaitQueue {
  readonly #limitMs: number;
  readonly #host: QueueHost;
  #first: Request | undefined;
  #last: Request | undefined;
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
    return this.#first?.since;
  }

  push(request: Request): void {
    request.since = now();
    request.before = this.#last;
    if (this.#last === undefined) this.#first = request;
    else this.#last.after = request;
    this.#last = request;
    this.#size += 1;
    this.#timer ??= later(this.#limitMs, () => this.#onTimer());
    const { signal } = request.borrower;
    if (signal !== undefined) this.#leaveOn(signal, request);
  }

  /** Takes who has waited longest. */
  shift(): Request | undefined {
    const request = this.#first;
    if (request !== undefined) this.#remove(request);
    return request;
  }

  /** Empties it. */
  *takeAll(): Iterable<Request> {
    cancel(this.#timer);
    this.#timer = undefined;
    for (let next = this.shift(); next !== undefined; next = this.shift()) yield next;
  }

  #leaveOn(signal: AbortSignal, request: Request): void {
    request.onLeave = onAbort(signal, () => {
      this.#remove(request);
      request.deliver(asError(signal.reason), undefined);
      this.#host.onAborted();
    });
  }

  /** Puts one back who came earlier: behind those who came before him, and his time goes on. */
  putBack(request: Request): void {
    let before: Request | undefined;
    let after = this.#first;
    while (after !== undefined && after.since <= request.since) {
      before = after;
      ({ after } = after);
    }
    request.before = before;
    request.after = after;
    if (before === undefined) this.#first = request;
    else before.after = request;
    if (after === undefined) this.#last = request;
    else after.before = request;
    this.#size += 1;
    if (before === undefined) this.#waitFor(request.since + this.#limitMs - now());
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
        this.#waitFor(leftMs);
        return;
      }
      const request = this.shift();
      if (request !== undefined) this.#host.onTimeout(request);
    }
  }

  #waitFor(leftMs: number): void {
    cancel(this.#timer);
    this.#timer = later(Math.max(0, Math.ceil(leftMs)), () => this.#onTimer());
  }

  #remove(request: Request): void {
    const { before, after, onLeave } = request;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    request.before = undefined;
    request.after = undefined;
    request.onLeave = undefined;
    this.#size -= 1;
    onLeave?.();
  }
}

/** What a promise was rejected with, or a signal aborted with, as an error. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

import { AsyncResource } from "node:async_hooks";

import { NO_CALL_SITE } from "../call-site.ts";
import { soon } from "../clock.ts";
import type { ConnectCallback } from "../driver/pg-internals.ts";
import { throwLater } from "../driver/service-callback.ts";
import type { Borrower } from "../units/lease.ts";
import { noRelease } from "./connect-forms.ts";
import type { NullPool } from "./null-pool.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { Request } from "./wait-queue.ts";

/** Whoever sends one statement through `pool.query()` outside of units: it says enough of itself. */
export const FOR_ONE_STATEMENT: Borrower = Object.freeze({ site: NO_CALL_SITE, label: undefined });

/**
 * One call of `connect()`, until it is answered. It is its own place in the queue and its own async
 * context: thousands may wait, and the garbage collector copies what waits. Three objects and their
 * closures in place of this one cost a twentieth of a busy pool's throughput.
 *
 * It is called back in the async context of whoever asked, and not in that of the socket, which was
 * opened for somebody else.
 */
export class PoolRequest extends AsyncResource implements Request {
  readonly borrower: Borrower;
  /** For the one statement of `pool.query()`. */
  readonly isSingle: boolean;
  since: number = Number.NaN;
  before: Request | undefined;
  after: Request | undefined;
  onLeave: (() => void) | undefined;
  /** Its callback is the service's own. */
  readonly #isForeign: boolean;
  #answer: ConnectCallback | undefined;
  #pending: ConnectCallback | undefined;

  constructor(
    borrower: Borrower,
    answer: ConnectCallback | undefined,
    { isSingle = false, isForeign = false }: { isSingle?: boolean; isForeign?: boolean } = {},
  ) {
    super("doorpolicy.checkout", { requireManualDestroy: true });
    this.borrower = borrower;
    this.isSingle = isSingle;
    this.#isForeign = isForeign;
    this.#answer = answer;
  }

  /** The callback, once. Kept by nobody then: what pg keeps of the connecting would lead to the handle. */
  takeAnswer(): ConnectCallback | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer;
  }

  /**
   * Calls back where it was asked for. `answer` is pg-pool's own or settles a promise. A service's own
   * callback is called later: what it throws would come out of somebody else's `release()`.
   */
  call(answer: ConnectCallback, ...values: Parameters<ConnectCallback>): void {
    if (this.#isForeign) soon(() => this.runInAsyncScope(answer, undefined, ...values));
    else this.runInAsyncScope(answer, undefined, ...values);
  }

  /** pg-pool has let it through to the pool of ours; `pending` is what it, or an agent around it, wants called. */
  passOn(engine: NullPool, pending: ConnectCallback): void {
    this.#pending = pending;
    engine.take(this);
  }

  deliver(error: Error | undefined, connection: PooledConnection | undefined): void {
    const pending = this.#pending;
    this.#pending = undefined;
    try {
      if (connection === undefined) pending?.(error, undefined, noRelease);
      else pending?.(undefined, connection.client, connection.release);
    } catch (thrown) {
      // Of the service or of an agent around it: the pool goes on with the others.
      throwLater(thrown);
    }
  }
}

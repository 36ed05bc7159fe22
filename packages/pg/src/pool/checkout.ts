import { scrubStatement } from "@doorpolicy/core";

import { ownFrame } from "../call-site.ts";
import { now } from "../clock.ts";
import type { ConnectionGuard, Holder } from "../connection/connection-guard.ts";
import { releasedError } from "../connection/messages.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import type { Borrower, Lease } from "../units/lease.ts";

/** Gives the connection back to pg-pool; an error makes it close the connection. */
export type RawRelease = (error?: unknown) => void;

/**
 * One checkout of one connection: taken once, given back once, whoever gives it back first: its
 * holder, or the guard because the connection was lost or ended. A second release does nothing. It is
 * among `all` of its pool until the connection is back.
 */
export class Checkout implements Holder, Lease {
  readonly client: PgClient;
  readonly connection: ConnectionGuard;
  readonly borrower: Borrower;
  readonly takenAt: number = now();
  onTaken: ((reason: Error) => void) | undefined;
  onIdle: (() => boolean) | undefined;
  /** When it was last seen to send or to be answered, and how much had gone over the wire by then. */
  quietSince: number = this.takenAt;
  bytesSeen = -1;
  isWarned = false;
  /** The one that it is for, where it is for one. */
  statement: string | undefined;
  readonly #raw: RawRelease;
  readonly #all: Set<Checkout>;
  #isReleased = false;
  #reason: Error | undefined;
  /** The connection is gone, and says itself why. */
  #isTaken = false;
  #isHandedBack = false;

  constructor(
    client: PgClient,
    connection: ConnectionGuard,
    borrower: Borrower,
    raw: RawRelease,
    all: Set<Checkout>,
  ) {
    this.client = client;
    this.connection = connection;
    this.borrower = borrower;
    this.#raw = raw;
    this.#all = all;
    all.add(this);
    connection.lend(this);
  }

  get site(): Borrower["site"] {
    return this.borrower.site;
  }

  /**
   * Never throws, whatever happens: TypeORM's `destroy()` would spin for ever. A connection that is
   * settled and outside a transaction goes back at once; any other is made so first, or closed.
   */
  readonly release = (error?: unknown): void => {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.connection.takeBack();
    if (this.connection.isClean()) {
      this.#handBack(error);
      return;
    }
    const handBack = (failure: unknown): void => this.#handBack(error ?? failure);
    void this.connection.makeClean().then(handBack, handBack);
  };

  /** Takes it back from a holder who does not use it; his next statement is refused with the reason. */
  reclaim(reason: Error): void {
    if (this.#isReleased) return;
    this.#reason = reason;
    this.onTaken?.(reason);
    this.release();
  }

  /** Nobody refers to its handle any more. */
  reclaimForgotten(): void {
    if (this.#isReleased) return;
    this.connection.report({
      rule: "connections/abandoned",
      action: "closed",
      message: `A connection that was taken ${Math.round(now() - this.takenAt)} ms ago was never given back, and nobody refers to it any more; it was taken back.`,
      help: "Release every connection in a `finally`, or let the pool's own `query()` do it.",
    });
    this.release();
  }

  /** The error for a statement that comes after it was given back, or taken. */
  refusal(): Error | undefined {
    if (!this.#isReleased) return undefined;
    if (this.#isTaken) return this.connection.refusal() ?? this.#reason;
    return this.#reason ?? releasedError();
  }

  /** True once it was given back, by whomever. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  take(reason: Error): void {
    if (!this.#isReleased) {
      this.#isReleased = true;
      this.#isTaken = true;
      this.#reason = reason;
      this.onTaken?.(reason);
    }
    this.#handBack(reason);
  }

  /** For a message: how long it has been held, by whom, and under what label. */
  describe(): string {
    const { label, site } = this.borrower;
    const frame = ownFrame(site);
    const { statement } = this;
    return [
      `${Math.round(now() - this.takenAt)} ms`,
      ...(label === undefined ? [] : [`in "${label}"`]),
      ...(frame === undefined ? [] : [`taken ${frame}`]),
      ...(statement === undefined ? [] : [`for \`${short(scrubStatement(statement))}\``]),
    ].join(", ");
  }

  #handBack(error: unknown): void {
    if (this.#isHandedBack) return;
    this.#isHandedBack = true;
    this.connection.forgetHolder();
    this.#all.delete(this);
    this.#raw(error);
  }
}

/** Enough of a statement to know it by. */
function short(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}

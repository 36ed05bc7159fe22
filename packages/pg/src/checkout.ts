import { type CallSite, ownFrame } from "./call-site.ts";
import { now } from "./clock.ts";
import type { ConnectionGuard, Holder } from "./connection-guard.ts";

/** Gives the connection back to pg-pool; an error makes it close the connection. */
export type RawRelease = (error?: unknown) => void;

/**
 * One checkout of one connection: taken once, given back once, whoever gives it back first: its
 * holder, or the guard because the connection was lost or ended. A second release does nothing.
 */
export class Checkout implements Holder {
  readonly site: CallSite;
  readonly takenAt: number = now();
  readonly #connection: ConnectionGuard;
  readonly #raw: RawRelease;
  readonly #onDone: (checkout: Checkout) => void;
  #isReleased = false;
  #isHandedBack = false;

  constructor(
    connection: ConnectionGuard,
    site: CallSite,
    raw: RawRelease,
    onDone: (checkout: Checkout) => void,
  ) {
    this.#connection = connection;
    this.site = site;
    this.#raw = raw;
    this.#onDone = onDone;
    connection.lend(this);
  }

  /**
   * Never throws, whatever happens: TypeORM's `destroy()` would spin for ever. A connection that is
   * settled and outside a transaction goes back at once; any other is made so first, or closed.
   */
  readonly release = (error?: unknown): void => {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#connection.takeBack();
    if (this.#connection.isClean()) {
      this.#handBack(error);
      return;
    }
    const handBack = (failure: unknown): void => this.#handBack(error ?? failure);
    void this.#connection.makeClean().then(handBack, handBack);
  };

  /** True once it was given back, by whomever. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  take(reason: Error): void {
    this.#isReleased = true;
    this.#handBack(reason);
  }

  /** For a message: how long it has been held, and by whom. */
  describe(): string {
    const held = `${Math.round(now() - this.takenAt)} ms`;
    const frame = ownFrame(this.site);
    return frame === undefined ? held : `${held}, taken ${frame}`;
  }

  #handBack(error: unknown): void {
    if (this.#isHandedBack) return;
    this.#isHandedBack = true;
    this.#connection.forgetHolder();
    this.#onDone(this);
    this.#raw(error);
  }
}

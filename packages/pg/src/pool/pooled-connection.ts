import type { PgClient } from "../driver/pg-internals.ts";

/** A physical connection as its pool sees it. Who uses it, and how it is left, is its guard's business. */
export class PooledConnection {
  readonly client: PgClient;
  /** When it is too old to be handed on; milliseconds of the monotonic clock. */
  readonly oldAt: number;
  /** Since when nobody had it, the last time that nobody did. */
  idleSince = Number.NaN;
  /** The pool has begun to close it, or has lost it. */
  isClosing = false;
  #onClosed: (() => void) | undefined;

  constructor(client: PgClient, oldAt: number, onClosed: () => void) {
    this.client = client;
    this.oldAt = oldAt;
    this.#onClosed = onClosed;
  }

  /** Its socket is closed, or never was open. Says so once. */
  closed(): void {
    const tell = this.#onClosed;
    this.#onClosed = undefined;
    tell?.();
  }
}

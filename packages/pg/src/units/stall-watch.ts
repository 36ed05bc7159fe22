import { after, cancel, now, type Timer } from "../clock.ts";
import { bytesMoved } from "../driver/pg-internals.ts";
import type { Lease } from "./lease.ts";

/**
 * Tells a holder who works from one who will never give back: while somebody waits, it looks whether
 * anything is on its way to or from the server. Legitimate waiting behind a long statement looks the
 * same in an async context as waiting for oneself; only the lack of progress tells them apart.
 */
export class StallWatch {
  readonly #lease: Lease;
  readonly #stallMs: number;
  /** Called with the time since when there has been no progress. */
  readonly #onStall: (since: number) => void;
  #timer: Timer | undefined;
  #progressAt = 0;
  #bytes = -1;

  constructor(lease: Lease, stallMs: number, onStall: (before: number) => void) {
    this.#lease = lease;
    this.#stallMs = stallMs;
    this.#onStall = onStall;
  }

  /** Somebody waits. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.touch();
    this.#schedule();
  }

  /** Nobody waits. */
  stop(): void {
    cancel(this.#timer);
    this.#timer = undefined;
  }

  /** There was progress just now. */
  touch(): void {
    this.#progressAt = now();
  }

  #schedule(): void {
    this.#timer = after(Math.max(5, Math.ceil(this.#stallMs / 5)), () => {
      this.#look();
      if (this.#timer !== undefined) this.#schedule();
    });
  }

  #look(): void {
    const { client, connection } = this.#lease;
    const bytes = bytesMoved(client);
    // A socket without counters shows no progress of its own, and none is not some.
    if (connection.isServerWorking || !Object.is(bytes, this.#bytes)) this.touch();
    this.#bytes = bytes;
    if (now() - this.#progressAt >= this.#stallMs) this.#onStall(now() - this.#stallMs);
  }
}

import { cancel, now, type Timer } from "../clock.ts";
import { later } from "./later.ts";
import type { PooledConnection } from "./pooled-connection.ts";

/** What is asked of the pool whose connections lie idle. */
export interface IdleHost {
  /** True while one more may be closed for having been idle for long. */
  mayClose(): boolean;
  /** It is over; it is in the list no more. */
  onOver(connection: PooledConnection): void;
}

/**
 * Connections that nobody has, oldest first. The youngest is given out first, so that the others are closed
 * soon. One timer serves them all: thousands of releases in a second may not make thousands of timers.
 */
export class IdleConnections {
  readonly #host: IdleHost;
  readonly #idleMs: number;
  readonly #all: PooledConnection[] = [];
  #timer: Timer | undefined;
  /** When the timer fires. */
  #dueAt = Infinity;

  /** `idleMs`: how long each may stay; `Infinity` means that only its age counts. */
  constructor(idleMs: number, host: IdleHost) {
    this.#idleMs = idleMs;
    this.#host = host;
  }

  get size(): number {
    return this.#all.length;
  }

  push(connection: PooledConnection): void {
    connection.idleSince = now();
    this.#all.push(connection);
    this.#wait();
  }

  takeYoungest(): PooledConnection | undefined {
    return this.#all.pop();
  }

  takeOldest(): PooledConnection | undefined {
    return this.#all.shift();
  }

  /** Takes all, and looks after none any more. */
  takeAll(): readonly PooledConnection[] {
    cancel(this.#timer);
    this.#timer = undefined;
    return this.#all.splice(0);
  }

  /** False where it is not in the list. */
  remove(connection: PooledConnection): boolean {
    const index = this.#all.indexOf(connection);
    if (index >= 0) this.#all.splice(index, 1);
    return index >= 0;
  }

  #wait(): void {
    const [oldest] = this.#all;
    if (oldest === undefined) return;
    const idleEnd = this.#host.mayClose() ? oldest.idleSince + this.#idleMs : Infinity;
    const at = Math.min(idleEnd, ...this.#all.map(({ oldAt }) => oldAt));
    if (at === Infinity || (this.#timer !== undefined && this.#dueAt <= at)) return;
    cancel(this.#timer);
    this.#dueAt = at;
    this.#timer = later(Math.max(1, Math.ceil(at - now())), () => {
      this.#timer = undefined;
      this.#sweep(now());
      this.#wait();
    });
  }

  #sweep(time: number): void {
    // A copy: what is over leaves the list.
    for (const connection of this.#all.slice()) {
      const isIdleOut = time - connection.idleSince >= this.#idleMs && this.#host.mayClose();
      if (!isIdleOut && time < connection.oldAt) continue;
      this.remove(connection);
      this.#host.onOver(connection);
    }
  }
}

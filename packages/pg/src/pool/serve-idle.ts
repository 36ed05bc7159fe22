import { soon } from "../clock.ts";
import type { IdleConnections } from "./idle-connections.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { Request, WaitQueue } from "./wait-queue.ts";

/** What of a pool gives out the connections that lie idle. */
export interface ServingHost {
  readonly queue: WaitQueue;
  readonly idle: IdleConnections;
  lend(connection: PooledConnection, request: Request): void;
  /** It was lost, or has heard its server's last word; it is in no list any more. */
  onDead(connection: PooledConnection): void;
  /** Whoever is left over is connected for. */
  pump(): void;
}

/**
 * Gives what lies idle to whoever waits longest, the youngest first, when the call that asked has returned.
 * One that is dead is nobody's: between a server's last word and the end of its socket any time may pass.
 */
export class IdleServing {
  readonly #host: ServingHost;
  #isDue = false;

  constructor(host: ServingHost) {
    this.#host = host;
  }

  soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    soon(() => {
      this.#isDue = false;
      this.#serve();
    });
  }

  #serve(): void {
    const { queue, idle } = this.#host;
    while (queue.size > 0) {
      const connection = idle.takeYoungest();
      if (connection === undefined) break;
      const next = connection.isDead ? undefined : queue.shift();
      if (next === undefined) this.#host.onDead(connection);
      else this.#host.lend(connection, next);
    }
    this.#host.pump();
  }
}

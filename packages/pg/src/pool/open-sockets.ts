import type { PgClient } from "../driver/pg-internals.ts";

/** The open sockets of a pool that pg-pool's own machinery keeps, whose `end()` does not wait for them. */
export class OpenSockets {
  readonly #open = new Set<PgClient>();
  #onAllClosed: (() => void) | undefined;

  add(client: PgClient): void {
    this.#open.add(client);
    client.once("end", () => {
      this.#open.delete(client);
      if (this.#open.size === 0) this.#onAllClosed?.();
    });
  }

  /** Called when no more are opened. */
  async whenAllClosed(): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onAllClosed = resolve;
    });
  }
}

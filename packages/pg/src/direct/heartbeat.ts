import { isPolicyError, type PolicyErrorCode } from "@doorpolicy/core";

import { after, cancel, type Timer } from "../clock.ts";
import type { PgClient } from "../driver/pg-internals.ts";

/** As a server answers it that is still there; it touches nothing. */
const QUESTION = "select 1";

/** The connection was taken from whoever asks: nothing was sent, and somebody else may have it. */
const TAKEN: ReadonlySet<PolicyErrorCode> = new Set([
  "connection/reclaimed",
  "connection/released",
]);

/**
 * Asks a quiet connection again and again whether its server is still there. A socket whose other end
 * is gone without a word (a pulled cable, a NAT table that was full, a frozen host) shows nothing by
 * itself, for hours with the kernel's own defaults.
 *
 * | state | `withinMs / 2` passed | answer | no answer for `withinMs / 2`, or the connection is somebody else's |
 * | --- | --- | --- | --- |
 * | quiet | asks → asked | – | – |
 * | asked | – | → quiet | `onSilent` → stopped |
 * | stopped | – | – | – |
 *
 * An answer that is an error is one: the server is there. A lost connection tells its owner itself.
 */
export class Heartbeat {
  readonly #client: PgClient;
  readonly #halfMs: number;
  readonly #onSilent: (error: Error) => void;
  #timer: Timer | undefined;
  #isStopped = false;

  /** @param withinMs Longest time until a connection that has died in silence is noticed. */
  constructor(client: PgClient, withinMs: number, onSilent: (error: Error) => void) {
    this.#client = client;
    this.#halfMs = withinMs / 2;
    this.#onSilent = onSilent;
    this.#wait();
  }

  stop(): void {
    this.#isStopped = true;
    cancel(this.#timer);
  }

  #wait(): void {
    this.#timer = after(this.#halfMs, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    this.#timer = after(this.#halfMs, () => {
      this.stop();
      this.#onSilent(new Error(`The server has not answered for ${Math.round(this.#halfMs)} ms.`));
    });
    try {
      await this.#client.query(QUESTION);
    } catch (error) {
      if (!this.#isStopped && isPolicyError(error) && TAKEN.has(error.code)) {
        this.stop();
        this.#onSilent(error);
      }
      // Else it has answered, or the connection is lost, which is its owner's to say.
    }
    if (this.#isStopped) return;
    cancel(this.#timer);
    this.#wait();
  }
}

import { PolicyError } from "@doorpolicy/core";

import { now } from "../clock.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import type { SqlKey } from "./advisory-key.ts";
import { Heartbeat } from "./heartbeat.ts";
import { firstRow } from "./rows.ts";

/**
 * An advisory lock while it is held, on the connection that holds it and that does nothing else.
 *
 * | state | connection lost, or silent for too long | `release()` |
 * | --- | --- | --- |
 * | held | → lost: `signal` is aborted | unlocked → over; where that fails → lost |
 * | lost | – | the connection is closed |
 * | over | – | nothing |
 */
export class HeldLock {
  readonly #client: PgClient;
  readonly #key: SqlKey;
  readonly #since: number = now();
  readonly #abort = new AbortController();
  readonly #heartbeat: Heartbeat;
  #lost: PolicyError | undefined;
  #isOver = false;

  constructor(client: PgClient, key: SqlKey, livenessTimeoutMs: number) {
    this.#client = client;
    this.#key = key;
    this.#heartbeat = new Heartbeat(client, livenessTimeoutMs, (error) => this.#lose(error));
    client.once("error", (error: unknown) => this.#lose(error));
    client.once("end", () => this.#lose(undefined));
  }

  /** Aborted when the lock is lost, with {@link lost} as its reason. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get lost(): PolicyError | undefined {
    return this.#lost;
  }

  /** True from the moment when it is being given back. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Gives the lock back, by closing its connection where nothing else does. Never rejects. */
  async release(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const failure = this.#lost ?? (await this.#unlock());
    this.#heartbeat.stop();
    // A lost connection is closed by its pool, and so is one that may hold the lock still.
    this.#client.release?.(failure);
  }

  /** The heartbeat goes on, and bounds it. */
  async #unlock(): Promise<Error | undefined> {
    const { placeholders, values } = this.#key;
    try {
      const answer: unknown = await Promise.race([
        this.#client.query(`select pg_advisory_unlock(${placeholders}) as is_held`, [...values]),
        new Promise((resolve) => this.signal.addEventListener("abort", resolve, { once: true })),
      ]);
      if (this.#lost === undefined && firstRow(answer)?.["is_held"] !== true) {
        this.#lose(new Error("The server says that this connection did not hold the lock."));
      }
    } catch (error) {
      this.#lose(error);
    }
    return this.#lost;
  }

  #lose(cause: unknown): void {
    if (this.#lost !== undefined || (this.#isOver && cause === undefined)) return;
    this.#heartbeat.stop();
    const heldMs = Math.round(now() - this.#since);
    this.#lost = new PolicyError(
      "lock/lost",
      `The connection that held the advisory lock ${this.#key.shown} for ${heldMs} ms was lost, and another process may hold the lock since.`,
      {
        hint: "Stop the work when its `signal` is aborted, and let it find what was done already.",
        ...(cause === undefined ? {} : { cause }),
      },
    );
    this.#abort.abort(this.#lost);
  }
}

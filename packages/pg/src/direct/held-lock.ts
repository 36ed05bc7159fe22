import { PolicyError } from "@doorpolicy/core";

import { now } from "../clock.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import { forgetOnPurpose, holdOnPurpose } from "../pool/held-watch.ts";
import type { SqlKey } from "./advisory-key.ts";
import { Heartbeat } from "./heartbeat.ts";
import { firstRow } from "./rows.ts";

/**
 * An advisory lock while it is held, on the connection that holds it and that does nothing else.
 *
 * | state | connection lost, or silent for too long | `release()` | `enter()` |
 * | --- | --- | --- | --- |
 * | held | → lost: `signal` is aborted | → releasing | one user more |
 * | releasing | → lost | nothing | one user more |
 * | releasing, without a user | → lost | unlocked → over; where that fails → lost | – |
 * | lost | – | the connection is closed → over | – |
 * | over | – | nothing | – |
 */
export class HeldLock {
  readonly #client: PgClient;
  readonly #key: SqlKey;
  readonly #since: number = now();
  readonly #abort = new AbortController();
  readonly #heartbeat: Heartbeat;
  readonly #onError = (error: unknown): void => this.#lose(error);
  readonly #onEnd = (): void => this.#lose(undefined);
  #users = 0;
  #onUnused: (() => void) | undefined;
  #lost: PolicyError | undefined;
  #released: Promise<void> | undefined;
  #isOver = false;

  constructor(client: PgClient, key: SqlKey, livenessTimeoutMs: number) {
    this.#client = client;
    this.#key = key;
    this.#heartbeat = new Heartbeat(client, livenessTimeoutMs, (error) => this.#lose(error));
    // Not `once`: a pg that nobody guards may tell one loss twice, and nobody else listens there.
    client.on("error", this.#onError);
    client.on("end", this.#onEnd);
    holdOnPurpose(client);
  }

  /** Aborted when the lock is lost; its reason is the `lock/lost` error. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True from the moment when it is being given back. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Counts one more who works under the lock; returns how to leave, once. As in PostgreSQL, where a session
   * that takes a lock twice has it until it has given it back twice.
   */
  enter(): () => void {
    let isIn = true;
    this.#users += 1;
    return () => {
      if (!isIn) return;
      isIn = false;
      this.#users -= 1;
      if (this.#users === 0) this.#onUnused?.();
    };
  }

  /**
   * Gives the lock back when nobody works under it any more, by closing its connection where nothing else
   * does. Where it is lost nobody is waited for. Never rejects.
   */
  release(): Promise<void> {
    return (this.#released ??= this.#release());
  }

  async #release(): Promise<void> {
    while (this.#users > 0 && this.#lost === undefined) {
      await new Promise<void>((resolve) => {
        this.#onUnused = resolve;
      });
    }
    this.#isOver = true;
    const failure = this.#lost ?? (await this.#unlock());
    this.#heartbeat.stop();
    forgetOnPurpose(this.#client);
    this.#client.removeListener("error", this.#onError);
    this.#client.removeListener("end", this.#onEnd);
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
    this.#onUnused?.();
  }
}

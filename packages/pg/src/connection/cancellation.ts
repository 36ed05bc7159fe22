import { requestCancel } from "./cancel-request.ts";
import type { Guard } from "../guard.ts";
import { isSettled, isUnusable, type PgClient } from "../driver/pg-internals.ts";
import { whenSettled } from "./settle.ts";

/**
 * What came of a request to cancel. `"answered"`: there was nothing to cancel any more, the statement
 * was answered by itself or its connection lost. `"unsupported"`: it still runs, because the lane or
 * the server takes no such request.
 */
export type CancelOutcome = "cancelled" | "answered" | "unsupported";

/** How long the cancelling may take: the request, and then the answer of the statement. */
const CANCEL_MS = 3_000;

/** `query_canceled`; a statement time-out has it too, and ends the statement as well. */
const CANCELED = "57014";

/** Cancels what one connection is running. */
export class Cancellation {
  readonly #client: PgClient;
  readonly #guard: Guard;
  readonly #hasOwnSocket: boolean;
  #underWay: Promise<CancelOutcome> | undefined;
  #isCancelled = false;

  /** `hasOwnSocket`: the service brought the socket itself, and nobody knows how to open another. */
  constructor(client: PgClient, guard: Guard, hasOwnSocket: boolean) {
    this.#client = client;
    this.#guard = guard;
    this.#hasOwnSocket = hasOwnSocket;
  }

  /** True where a request may be made at all. */
  get isSupported(): boolean {
    return !this.#hasOwnSocket && this.#guard.lane.has("safe-cancel");
  }

  /** True while a request may still arrive: what is sent now could be cancelled instead. */
  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Takes note of an error that the server answered with. */
  noteError(error: unknown): void {
    if (error instanceof Error && "code" in error && error.code === CANCELED) {
      this.#isCancelled = true;
    }
  }

  /** Never rejects. Resolves when the request's socket is closed and the server is ready. */
  run(): Promise<CancelOutcome> {
    return (this.#underWay ??= this.#run().finally(() => {
      this.#underWay = undefined;
    }));
  }

  async #run(): Promise<CancelOutcome> {
    const client = this.#client;
    if (isSettled(client) || isUnusable(client)) return "answered";
    if (!this.isSupported) return "unsupported";
    this.#isCancelled = false;
    const isAsked = await requestCancel(client, CANCEL_MS);
    if (isSettled(client) || isUnusable(client)) return this.#outcome();
    if (!isAsked) return "unsupported";
    const settling = await whenSettled(client, CANCEL_MS);
    return settling === "busy" ? "unsupported" : this.#outcome();
  }

  #outcome(): CancelOutcome {
    return this.#isCancelled ? "cancelled" : "answered";
  }
}

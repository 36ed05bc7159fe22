import { onAbort } from "../abort-signal.ts";
import { now } from "../clock.ts";
import { registerPool } from "../registry.ts";
import { delayBefore, pause } from "./backoff.ts";
import type { DirectLane } from "./direct-lane.ts";
import { type ListenConnection, openListenConnection } from "./listen-connection.ts";
import type { CheckedListenOptions, Notification } from "./listen-options.ts";

/** What is on, until it is closed. `await using` closes it. */
export interface Listener extends AsyncDisposable {
  /** `"reconnecting"` from a loss until it listens again. */
  readonly state: "listening" | "reconnecting" | "closed";
  /** Ends it; resolves when its socket is closed. No function is called any more. Never rejects. */
  close(): Promise<void>;
}

/** Calls one of the caller's functions, in his context; never throws. */
export type CallOut = (name: "onNotification" | "onGap" | "onError", value: unknown) => void;

/** Before the second try; the longest one is the caller's. */
const FIRST_DELAY_MS = 100;

/**
 * A listener through the connections that it has one after the other.
 *
 * | state | connection lost | connected, `LISTEN` answered | try failed | `close()`, signal |
 * | --- | --- | --- | --- | --- |
 * | listening | `onError` → reconnecting | – | – | goodbye → closed |
 * | reconnecting | – | `onGap` → listening | `onError`, waits longer | → closed |
 * | closed | – | closed at once | – | – |
 *
 * Looks like a pool to `drain()`, which ends it.
 */
export class ReconnectingListener implements Listener {
  readonly #direct: DirectLane;
  readonly #text: string;
  readonly #options: CheckedListenOptions;
  readonly #call: CallOut;
  readonly #ended = new AbortController();
  readonly #forget: () => void;
  #connection: ListenConnection | undefined;
  #reconnecting: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(direct: DirectLane, text: string, options: CheckedListenOptions, call: CallOut) {
    this.#direct = direct;
    this.#text = text;
    this.#options = options;
    this.#call = call;
    const unregister = registerPool(this);
    const unheard = options.signal && onAbort(options.signal, () => void this.close());
    this.#forget = () => {
      unregister();
      unheard?.();
    };
  }

  get state(): Listener["state"] {
    if (this.#closed !== undefined) return "closed";
    return this.#connection === undefined ? "reconnecting" : "listening";
  }

  /** To `drain()`. */
  get ending(): boolean {
    return this.#closed !== undefined;
  }

  /** The first connection: where it fails, nothing is tried again. */
  async start(): Promise<void> {
    try {
      this.#connection = await this.#open();
    } catch (error) {
      this.#forget();
      throw error;
    }
    // Closed meanwhile, by `drain()` or the signal.
    if (this.#closed !== undefined) await this.#connection.close();
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  /** To `drain()`. */
  end(): Promise<void> {
    return this.close();
  }

  /** To `drain()`. */
  endNow(): Promise<void> {
    return this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#ended.abort();
    this.#forget();
    await this.#reconnecting;
    await this.#connection?.close();
  }

  #open(): Promise<ListenConnection> {
    return openListenConnection(this.#direct, this.#text, this.#options.livenessTimeoutMs, {
      onNotification: (notification: Notification) => {
        if (this.#closed === undefined) this.#call("onNotification", notification);
      },
      onLost: (error) => this.#onLost(error),
    });
  }

  #onLost(cause: unknown): void {
    this.#connection = undefined;
    if (this.#closed !== undefined) return;
    this.#call("onError", cause);
    this.#reconnecting = this.#reconnect(cause);
  }

  async #reconnect(cause: unknown): Promise<void> {
    const since = now();
    const backoff = { firstMs: FIRST_DELAY_MS, mostMs: this.#options.maxDelayMs };
    for (let attempts = 1; ; attempts++) {
      await pause(delayBefore(backoff, attempts), this.#ended.signal);
      if (this.#closed !== undefined) return;
      try {
        this.#connection = await this.#open();
      } catch (error) {
        if (this.#closed === undefined) this.#call("onError", error);
        continue;
      }
      if (this.#closed === undefined) {
        this.#call("onGap", { lastedMs: Math.round(now() - since), attempts, cause });
      }
      return;
    }
  }
}

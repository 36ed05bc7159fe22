import { onAbort } from "../abort-signal.ts";
import { now } from "../clock.ts";
import { type EndablePool, registerPool } from "../registry.ts";
import { drainingError } from "../units/messages.ts";
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
 * | state | connection lost | connected, `LISTEN` answered | try failed | `close()`, signal, `end()` | `endNow()` |
 * | --- | --- | --- | --- | --- | --- |
 * | opening | – | → listening | rejects → closed | socket destroyed, rejects → closed | as `end()` |
 * | listening | `onError` → reconnecting | – | – | goodbye → closed | socket destroyed → closed |
 * | reconnecting | – | `onGap` → listening | `onError`, waits longer | socket destroyed → closed | as `end()` |
 * | closed | – | – | – | – | socket destroyed where its goodbye is not answered yet |
 *
 * `ending`, `end()` and `endNow()` are for `drain()`, to which it looks like a pool.
 */
export class ReconnectingListener implements Listener, EndablePool {
  readonly #direct: DirectLane;
  readonly #text: string;
  readonly #options: CheckedListenOptions;
  readonly #call: CallOut;
  readonly #ended = new AbortController();
  readonly #forget: () => void;
  #connection: ListenConnection | undefined;
  /** The connection that is being opened, whatever becomes of it. */
  #opening: Promise<unknown> | undefined;
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

  get ending(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * The first connection: where it fails, nothing is tried again. Where it is closed meanwhile, rejects with
   * the signal's reason or `unit/draining`.
   */
  async start(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      if (this.#closed === undefined) {
        this.#forget();
        throw error;
      }
    }
    if (this.#closed === undefined) return;
    await this.#closed;
    this.#options.signal?.throwIfAborted();
    // Nobody else knows of it yet.
    throw drainingError();
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  end(): Promise<void> {
    return this.close();
  }

  endNow(): Promise<void> {
    const closed = this.close();
    this.#connection?.destroy();
    return closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#ended.abort();
    this.#forget();
    await Promise.allSettled([this.#opening, this.#reconnecting]);
    await this.#connection?.close();
  }

  async #open(): Promise<void> {
    const options = {
      text: this.#text,
      livenessTimeoutMs: this.#options.livenessTimeoutMs,
      signal: this.#ended.signal,
    };
    const opening = openListenConnection(this.#direct, options, {
      onNotification: (notification: Notification) => {
        if (this.#closed === undefined) this.#call("onNotification", notification);
      },
      onLost: (error) => this.#onLost(error),
    });
    this.#opening = opening;
    this.#connection = await opening;
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
        await this.#open();
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

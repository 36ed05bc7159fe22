import { AsyncResource } from "node:async_hooks";
import { inspect } from "node:util";

import { PolicyError } from "@doorpolicy/core";

import { captureCallSite, type CallSite } from "./call-site.ts";
import { Checkout } from "./checkout.ts";
import { soon } from "./clock.ts";
import { applyToPoolConfig, type PoolConfigInput, sayChanges } from "./config/index.ts";
import { connectionGuardOf, guardClientClass, isGuardedClass } from "./guarded-client.ts";
import type { Guard } from "./guard.ts";
import { handleOf } from "./handle.ts";
import { withLaneUrl } from "./lane-config.ts";
import {
  type ConnectCallback,
  isAcquireTimeout,
  isClientClass,
  type PgClient,
  type PgClientConstructor,
  type PgPoolConstructor,
} from "./pg-internals.ts";
import { registerPool } from "./registry.ts";

/**
 * A subclass of a `pg.Pool` that opens guarded connections, with the policy's cap and acquire limit,
 * hands each one out as a {@link Checkout}, and keeps none open unless the policy says so.
 *
 * `end()` resolves when the sockets are closed; pg-pool's own resolves before (measured: 20 of 20).
 */
export function guardPoolClass(
  Base: PgPoolConstructor,
  GuardedClient: PgClientConstructor,
  guard: Guard,
): PgPoolConstructor {
  return class GuardedPool extends Base {
    readonly #checkouts = new Set<Checkout>();
    readonly #open = new Set<PgClient>();
    readonly #forget: () => void;
    #onAllClosed: (() => void) | undefined;

    constructor(options?: PoolConfigInput) {
      super(poolOptions(options, GuardedClient, guard));
      // pg-pool emits what happens to idle connections; without a listener it would end the process.
      this.on("error", () => undefined);
      this.on("connect", (client: PgClient) => this.#onOpened(client));
      this.#forget = registerPool(this);
    }

    override connect(callback?: ConnectCallback): unknown {
      const site = captureCallSite(1);
      if (callback !== undefined) {
        this.#take(site, inOwnContext(callback));
        return undefined;
      }
      return new Promise((resolve, reject) => {
        this.#take(site, (error, client) => (error ? reject(error) : resolve(client)));
      });
    }

    override end(callback?: (error?: unknown) => void): unknown {
      const ended = this.#end();
      if (callback === undefined) return ended;
      ended.then(
        () => soon(() => callback()),
        (error: unknown) => soon(() => callback(error)),
      );
      return undefined;
    }

    /**
     * Ends the pool without waiting for whoever holds a connection: each one is taken back, rolled
     * back and closed. For holders that are gone, as after a failed start of an ORM.
     */
    endNow(): Promise<void> {
      for (const checkout of this.#checkouts) checkout.release();
      return this.#end();
    }

    /** pg-pool emits `release` before it takes the connection back: a listener that throws would cost the slot. */
    override emit(event: string | symbol, ...values: unknown[]): boolean {
      try {
        return super.emit(event, ...values);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        process.emitWarning(`A listener of the pool's "${String(event)}" event failed: ${reason}`, {
          type: "DoorpolicyWarning",
          code: "DOORPOLICY_POOL_LISTENER",
        });
        return true;
      }
    }

    /** Its options hold a URL with a password, which a log of the pool must not show. */
    [inspect.custom](): object {
      const { totalCount, idleCount, waitingCount } = this;
      return {
        pool: guard.name,
        target: guard.lane.target.name,
        lane: guard.lane.lane,
        totalCount,
        idleCount,
        waitingCount,
      };
    }

    #take(site: CallSite, callback: ConnectCallback): void {
      super.connect((error, client, release) => {
        if (client === undefined) {
          callback(this.#explain(error), undefined, release);
          return;
        }
        const connection = connectionGuardOf(client);
        if (connection === undefined) {
          callback(undefined, client, release);
          return;
        }
        const checkout = new Checkout(connection, site, release, (done) =>
          this.#checkouts.delete(done),
        );
        this.#checkouts.add(checkout);
        client.release = checkout.release;
        const isKept = this.options["maxUses"] !== 1;
        callback(undefined, isKept ? handleOf(client, checkout) : client, checkout.release);
      });
    }

    #explain(error: Error | undefined): Error | undefined {
      if (!isAcquireTimeout(error)) return error;
      const { max, connectionTimeoutMillis } = this.options;
      const inUse = [...this.#checkouts];
      const rule = "connections/acquire-timeout";
      const oldest = inUse.toSorted((one, other) => one.takenAt - other.takenAt)[0];
      if (this.ending) return endedWhileWaiting(error);
      const message =
        `No connection within ${String(connectionTimeoutMillis)} ms: ${inUse.length} of ${String(max)} are in use and ${this.waitingCount} more callers wait.` +
        (oldest === undefined ? "" : ` The oldest has been held for ${oldest.describe()}.`);
      const help =
        oldest === undefined
          ? "Check that the server answers, and set a longer `connections.acquireTimeoutMs` if it is slow to."
          : "Release connections sooner, take one at a time, or raise `connections.maxPerProcess`.";
      if (guard.response(rule) !== "nothing") {
        guard.report({ rule, action: "reported", message, help });
      }
      return new PolicyError("connection/acquire-timeout", message, { hint: help, cause: error });
    }

    #onOpened(client: PgClient): void {
      this.#open.add(client);
      client.once("end", () => {
        this.#open.delete(client);
        if (this.#open.size === 0) this.#onAllClosed?.();
      });
    }

    async #end(): Promise<void> {
      await new Promise<void>((resolve, reject) => {
        super.end((error) => (error ? reject(error) : resolve()));
      });
      this.#forget();
      if (this.#open.size === 0) return;
      await new Promise<void>((resolve) => {
        this.#onAllClosed = resolve;
      });
    }
  };
}

function endedWhileWaiting(cause: unknown): PolicyError {
  return new PolicyError(
    "connection/acquire-timeout",
    "The pool was ended while this caller waited for a connection.",
    { hint: "End the pool after the last statement.", cause },
  );
}

/**
 * pg-pool calls a waiter in the async context of whoever releases. `AsyncResource.bind` would do, at
 * five times the cost of the whole checkout (Node 20 makes a deprecated getter at each call).
 */
function inOwnContext(callback: ConnectCallback): ConnectCallback {
  const context = new AsyncResource("doorpolicy.checkout", { requireManualDestroy: true });
  return (error, client, release) => {
    context.runInAsyncScope(callback, undefined, error, client, release);
  };
}

function poolOptions(
  given: PoolConfigInput,
  GuardedClient: PgClientConstructor,
  guard: Guard,
): object {
  const { lane } = guard;
  const located = withLaneUrl(given, lane);
  const { config, changes } = applyToPoolConfig(located, lane, { environment: process.env });
  sayChanges("pg", lane, changes);
  const { Client } = config;
  // A class that the service brings keeps what it adds, and is guarded as well.
  config["Client"] = isClientClass(Client) ? guardedVersion(Client, guard) : GuardedClient;
  return config;
}

function guardedVersion(Client: PgClientConstructor, guard: Guard): PgClientConstructor {
  return isGuardedClass(Client) ? Client : guardClientClass(Client, guard);
}

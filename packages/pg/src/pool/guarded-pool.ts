import { AsyncResource } from "node:async_hooks";
import { inspect } from "node:util";

import { acquireTimeoutError, endedWhileWaiting } from "./acquire-error.ts";
import { captureCallSite } from "../call-site.ts";
import { Checkout } from "./checkout.ts";
import { handleOf } from "./checkout-handle.ts";
import { soon } from "../clock.ts";
import { applyToPoolConfig, type PoolConfigInput, sayChanges } from "../config/index.ts";
import { connectionGuardOf, guardClientClass, isGuardedClass } from "../guarded-client.ts";
import type { Guard } from "../guard.ts";
import { HeldWatch } from "./held-watch.ts";
import { withLaneUrl } from "../startup/lane-config.ts";
import {
  type ConnectCallback,
  isAcquireTimeout,
  isClientClass,
  type PgClient,
  type PgClientConstructor,
  type PgPoolConstructor,
} from "../driver/pg-internals.ts";
import { registerPool, sharedState } from "../registry.ts";
import { drainingError } from "../units/messages.ts";
import { watchExternalCalls } from "../external-calls.ts";
import { currentUnit } from "../units/context.ts";
import type { Borrower, ConnectionSource, Lease } from "../units/lease.ts";

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
    readonly #held = new HeldWatch(guard, this.#checkouts);
    readonly #source: ConnectionSource;
    #onAllClosed: (() => void) | undefined;
    #ended: Promise<void> | undefined;
    /** True while `query()` calls `connect()`. */
    #isQuerying = false;

    constructor(options?: PoolConfigInput) {
      super(poolOptions(options, GuardedClient, guard));
      // pg-pool emits what happens to idle connections; without a listener it would end the process.
      this.on("error", () => undefined);
      this.on("connect", (client: PgClient) => this.#onOpened(client));
      this.#forget = registerPool(this);
      this.#source = this.#asSource();
      watchExternalCalls(guard);
    }

    override connect(callback?: ConnectCallback): unknown {
      // Through `query()` it is called by pg-pool's, and that by ours.
      const site = captureCallSite(this.#isQuerying ? 3 : 1);
      if (sharedState().isDrained === true) {
        return inForm(Promise.reject(drainingError()), callback);
      }
      const unit = currentUnit();
      const borrower = { site, label: unit?.label };
      const isSingle = this.#isQuerying;
      const inUnit = this.ending
        ? undefined
        : unit?.borrow({ source: this.#source, borrower, isSingle });
      if (inUnit !== undefined) return inForm(inUnit, callback);
      if (callback !== undefined) {
        this.#take(borrower, isSingle, inOwnContext(callback));
        return undefined;
      }
      return new Promise((resolve, reject) => {
        this.#take(borrower, isSingle, (error, client) =>
          error ? reject(error) : resolve(client),
        );
      });
    }

    /** pg-pool takes a connection for the one statement; what it does not give back, nobody does. */
    override query(...call: unknown[]): unknown {
      this.#isQuerying = true;
      try {
        return super.query(...call);
      } finally {
        this.#isQuerying = false;
      }
    }

    override end(callback?: (error?: unknown) => void): unknown {
      const isDrained = this.#ended !== undefined && sharedState().isDrained === true;
      const ended = (isDrained ? this.#ended : undefined) ?? (this.#ended = this.#end());
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
      return this.ending && this.#ended !== undefined ? this.#ended : (this.#ended = this.#end());
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

    #take(borrower: Borrower, isSingle: boolean, callback: ConnectCallback): void {
      // Kept by nobody once it was called: what pg keeps of the connecting would lead to the handle.
      let toCall: ConnectCallback | undefined = callback;
      super.connect((error, client, release) => {
        const answer = toCall;
        toCall = undefined;
        answer?.(...this.#handOut(error, client, release, borrower, isSingle));
      });
    }

    #handOut(
      error: Error | undefined,
      client: PgClient | undefined,
      release: (error?: unknown) => void,
      borrower: Borrower,
      isSingle: boolean,
    ): Parameters<ConnectCallback> {
      if (client === undefined) return [this.#explain(error), undefined, release];
      const checkout = this.#checkOut(client, borrower, release);
      if (checkout === undefined) return [undefined, client, release];
      const form = { isKept: this.options["maxUses"] !== 1, isSingle };
      const handle = handleOf(checkout, form, guard, GuardedClient.Query);
      return [undefined, handle, (failure) => handle.release?.(failure)];
    }

    #checkOut(
      client: PgClient,
      borrower: Borrower,
      release: (error?: unknown) => void,
    ): Checkout | undefined {
      const connection = connectionGuardOf(client);
      if (connection === undefined) return undefined;
      const checkout = new Checkout(client, connection, borrower, release, (done) =>
        this.#checkouts.delete(done),
      );
      this.#checkouts.add(checkout);
      this.#held.start();
      client.release = checkout.release;
      return checkout;
    }

    /** For units: the connection itself, without a handle. */
    #lease(borrower: Borrower): Promise<Lease> {
      return new Promise((resolve, reject) => {
        super.connect((error, client, release) => {
          const checkout = client && this.#checkOut(client, borrower, release);
          if (checkout !== undefined) resolve(checkout);
          else reject(this.#explain(error) ?? new Error("The connection is not guarded."));
        });
      });
    }

    #asSource(): ConnectionSource {
      const isRoom = (): boolean =>
        this.idleCount > 0 ||
        (this.totalCount < Number(this.options["max"]) && this.waitingCount === 0);
      const isEnding = (): boolean => this.ending;
      const take = (borrower: Borrower): Promise<Lease> => this.#lease(borrower);
      const { target, lane } = guard.lane;
      const isReplica = guard.isReplica(this.options);
      let probe: PgClient | undefined;
      const parsers = (): PgClient => (probe ??= new GuardedClient(this.options));
      const source: ConnectionSource = {
        target: target.name,
        lane,
        isReplica,
        get primary() {
          return isReplica ? guard.primary : undefined;
        },
        guard,
        Query: GuardedClient.Query,
        get isEnding() {
          return isEnding();
        },
        get hasRoom() {
          return isRoom();
        },
        // A client that is never connected, for what its options and its own pg say of types.
        get parsers() {
          return parsers();
        },
        take,
      };
      if (!isReplica) guard.addPrimary(source);
      return source;
    }

    #explain(error: Error | undefined): Error | undefined {
      if (!isAcquireTimeout(error)) return error;
      if (this.ending) return endedWhileWaiting(error);
      return acquireTimeoutError(guard, {
        max: this.options["max"],
        limitMs: this.options["connectionTimeoutMillis"],
        waiting: this.waitingCount,
        inUse: this.#checkouts,
        cause: error,
      });
    }

    #onOpened(client: PgClient): void {
      this.#open.add(client);
      client.once("end", () => {
        this.#open.delete(client);
        if (this.#open.size === 0) this.#onAllClosed?.();
      });
    }

    async #end(): Promise<void> {
      // What a unit keeps for its next call, and nobody has, would be waited for.
      for (const checkout of this.#checkouts) checkout.onIdle?.();
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

/** There is nothing to release where nothing was given. */
function noRelease(): void {}

/** A borrowed connection as `connect()` gives it: a promise, or the callback with its `release`. */
function inForm(borrowed: Promise<PgClient>, callback: ConnectCallback | undefined): unknown {
  if (callback === undefined) return borrowed;
  borrowed.then(
    // Outside of the promise: what a callback throws is nobody's rejection.
    (client) => soon(() => callback(undefined, client, (error) => client.release?.(error))),
    (error: Error) => soon(() => callback(error, undefined, noRelease)),
  );
  return undefined;
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

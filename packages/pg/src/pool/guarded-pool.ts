/* oxlint-disable no-underscore-dangle -- the names are pg-pool's own. */
import { inspect } from "node:util";

import { acquireTimeoutError, endedWhileWaiting } from "./acquire-error.ts";
import { captureCallSite, NO_CALL_SITE } from "../call-site.ts";
import { Checkout, type RawRelease } from "./checkout.ts";
import { handleOf } from "./checkout-handle.ts";
import { soon } from "../clock.ts";
import type { PoolConfigInput } from "../config/index.ts";
import { connectionSourceOf } from "./connection-source.ts";
import { connectionGuardOf } from "../guarded-client.ts";
import type { Guard } from "../guard.ts";
import { inOwnContext } from "./own-context.ts";
import { type Gate, type GateHolder, gateOf } from "./gate.ts";
import { HeldWatch } from "./held-watch.ts";
import { keepingOf } from "./keeping.ts";
import { NullPool } from "./null-pool.ts";
import { OpenSockets } from "./open-sockets.ts";
import { NOTHING_COUNTED, type PoolCounters } from "./pool-counters.ts";
import { sayListenerFailed } from "./listener-failed.ts";
import { mayTravelWithLogin, queryWithLogin } from "./query-with-login.ts";
import { inForm, isCallback } from "./connect-forms.ts";
import { poolOptions } from "./pool-options.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import { FOR_ONE_STATEMENT, PoolRequest } from "./pool-request.ts";
import { prepareClient } from "./prepare-client.ts";
import {
  type ConnectCallback,
  acquireTimeout,
  isAcquireTimeout,
  isClientClass,
  type PgClient,
  type PgClientConstructor,
  type PgPoolConstructor,
} from "../driver/pg-internals.ts";
import { throwingLater } from "../driver/service-callback.ts";
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
  const { lane } = guard;
  const isPipelining =
    lane.policy.connections.pipelineHandshake && lane.has("accepts-pipelined-handshake");
  return class GuardedPool extends Base {
    readonly #checkouts = new Set<Checkout>();
    readonly #forget: () => void;
    readonly #held = new HeldWatch(guard, this.#checkouts);
    readonly #source: ConnectionSource;
    /** Unset in bypass, where pg-pool's own machinery works. */
    readonly #engine: NullPool | undefined;
    readonly #stock: OpenSockets | undefined;
    #ended: Promise<void> | undefined;
    /** True while `query()` calls `connect()`. */
    #isQuerying = false;
    /** What is asked, while pg-pool's `connect()` runs. */
    #asking: PoolRequest | undefined;

    constructor(options?: PoolConfigInput) {
      super(poolOptions(options, GuardedClient, guard));
      // pg-pool emits what happens to idle connections; without a listener it would end the process.
      this.on("error", () => undefined);
      this.#forget = registerPool(this);
      this.#source = this.#asSource();
      if (guard.lane.mode === "bypass") {
        const stock = (this.#stock = new OpenSockets());
        this.on("connect", (client: PgClient) => stock.add(client));
      } else {
        this.#engine = this.#makeEngine();
      }
      watchExternalCalls(guard);
    }

    /** The target's name. */
    get target(): string {
      return lane.target.name;
    }

    get lane(): string {
      return this.#source.isReplica ? "replica" : lane.lane;
    }

    /** What the pool has done and is doing. In bypass only what pg-pool counts. */
    get counters(): PoolCounters {
      const { totalCount: open, idleCount: idle, waitingCount: waiting } = this;
      return (
        this.#engine?.counters ?? {
          ...NOTHING_COUNTED,
          open,
          idle,
          waiting,
          inUse: this.#checkouts.size,
        }
      );
    }

    /** As pg-pool counts: connections that are being closed are not in it. */
    override get totalCount(): number {
      const counters = this.#engine?.counters;
      return counters === undefined ? super.totalCount : counters.open - counters.closing;
    }

    override get idleCount(): number {
      return this.#engine === undefined ? super.idleCount : this.#engine.counters.idle;
    }

    override get waitingCount(): number {
      return this.#engine === undefined ? super.waitingCount : this.#engine.counters.waiting;
    }

    /**
     * pg-pool's `connect()` comes here when it has no connection to give, which is always: it stays in
     * front because agents that trace a service patch it.
     */
    override newClient(pending: { readonly callback: ConnectCallback }): void {
      const engine = this.#engine;
      if (engine === undefined) {
        super.newClient(pending);
        return;
      }
      const request =
        this.#asking ?? new PoolRequest({ site: captureCallSite(1), label: undefined }, undefined);
      request.passOn(engine, pending.callback);
    }

    override _isFull(): boolean {
      return this.#engine === undefined ? super._isFull() : false;
    }

    override connect(callback?: ConnectCallback): unknown {
      if (sharedState().isDrained === true) {
        return inForm(Promise.reject(drainingError()), callback);
      }
      const unit = currentUnit();
      const isSingle = this.#isQuerying;
      // A unit that needs to know who sends a single statement looks for himself.
      const borrower =
        isSingle && unit === undefined
          ? FOR_ONE_STATEMENT
          : { site: isSingle ? NO_CALL_SITE : captureCallSite(1), label: unit?.label };
      const inUnit = this.ending
        ? undefined
        : unit?.borrow({ source: this.#source, borrower, isSingle });
      if (inUnit !== undefined) return inForm(inUnit, callback);
      if (callback !== undefined) {
        this.#take(new PoolRequest(borrower, callback, { isSingle, isForeign: !isSingle }));
        return undefined;
      }
      return new Promise((resolve, reject) => {
        const answer: ConnectCallback = (error, client) =>
          error ? reject(error) : resolve(client);
        this.#take(new PoolRequest(borrower, answer));
      });
    }

    /** pg-pool takes a connection for the one statement; what it does not give back, nobody does. */
    override query(...call: unknown[]): unknown {
      const last = call.length - 1;
      const callback = call[last];
      if (isCallback(callback)) call[last] = inOwnContext(throwingLater(callback));
      const withLogin = isPipelining ? this.#queryWithLogin(call) : undefined;
      if (withLogin !== undefined) return withLogin;
      this.#isQuerying = true;
      try {
        return super.query(...call);
      } finally {
        this.#isQuerying = false;
      }
    }

    override end(callback?: (error?: unknown) => void): unknown {
      const isAgain = this.#ended !== undefined && sharedState().isDrained !== true;
      const ended = isAgain ? this.#endStock() : (this.#ended ??= this.#end());
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
      return (this.#ended ??= this.#end());
    }

    /** pg-pool emits `release` before it takes the connection back: a listener that throws would cost the slot. */
    override emit(event: string | symbol, ...values: unknown[]): boolean {
      try {
        return super.emit(event, ...values);
      } catch (error) {
        sayListenerFailed(event, error);
        return true;
      }
    }

    /** Its options hold a URL with a password, which a log of the pool must not show. */
    [inspect.custom](): object {
      return { pool: guard.name, target: this.target, lane: this.lane, ...this.counters };
    }

    #take(request: PoolRequest): void {
      this.#ask(request, (error, client, release) => {
        const answer = request.takeAnswer();
        if (answer === undefined) return;
        if (client === undefined) request.call(answer, this.#explain(error), undefined, release);
        else this.#handOut(client, release, request, answer);
      });
    }

    #queryWithLogin(call: readonly unknown[]): Promise<unknown> | undefined {
      const engine = this.#engine;
      if (engine === undefined || !mayTravelWithLogin(this, call)) return undefined;
      const borrower = { site: NO_CALL_SITE, label: undefined };
      const checkOut = ({ client }: PooledConnection, release: RawRelease): Checkout | undefined =>
        this.#checkOut(client, borrower, release);
      const { Query } = GuardedClient;
      return queryWithLogin({ guard, Query, engine, checkOut }, call);
    }

    #ask(request: PoolRequest, callback: ConnectCallback): void {
      this.#asking = request;
      try {
        super.connect(callback);
      } finally {
        this.#asking = undefined;
      }
    }

    #handOut(
      client: PgClient,
      release: RawRelease,
      request: PoolRequest,
      answer: ConnectCallback,
    ): void {
      const { borrower, isSingle } = request;
      const checkout = this.#checkOut(client, borrower, release);
      if (checkout === undefined) {
        request.call(answer, undefined, client, release);
        return;
      }
      const handle = handleOf(checkout, isSingle, guard, GuardedClient.Query);
      request.call(answer, undefined, handle, (failure) => handle.release?.(failure));
    }

    #checkOut(
      client: PgClient,
      borrower: Borrower,
      release: (error?: unknown) => void,
    ): Checkout | undefined {
      const connection = connectionGuardOf(client);
      if (connection === undefined) return undefined;
      const checkout = new Checkout(client, connection, borrower, release, this.#checkouts);
      this.#held.start();
      client.release = checkout.release;
      return checkout;
    }

    /** For units: the connection itself, without a handle. */
    #lease(borrower: Borrower): Promise<Lease> {
      return new Promise((resolve, reject) => {
        this.#ask(new PoolRequest(borrower, undefined), (error, client, release) => {
          const checkout = client && this.#checkOut(client, borrower, release);
          if (checkout !== undefined) resolve(checkout);
          else reject(this.#explain(error) ?? new Error("The connection is not guarded."));
        });
      });
    }

    #asSource(): ConnectionSource {
      const hasRoom = (): boolean =>
        this.#engine?.hasRoom ??
        (this.idleCount > 0 ||
          (this.totalCount < Number(this.options["max"]) && this.waitingCount === 0));
      const take = (borrower: Borrower): Promise<Lease> => this.#lease(borrower);
      return connectionSourceOf(this, guard, GuardedClient, hasRoom, take);
    }

    get #gate(): Gate {
      return gateOf(this.target, this.lane);
    }

    #makeEngine(): NullPool {
      const gate = this.#gate;
      const { Client } = this.options;
      const ClientToUse = isClientClass(Client) ? Client : GuardedClient;
      const keeping = keepingOf(this.options, lane);
      const host = {
        holders: this.#checkouts,
        hasConnectListener: () => this.listenerCount("connect") > 0,
        makeClient: () => new ClientToUse(this.options),
        prepare: (client: PgClient) =>
          prepareClient(client, this.options, keeping.acquireTimeoutMs),
        emit: (event: string, value: unknown, other?: unknown) => {
          // Most have no listener, and each statement has two of them.
          if (this.listenerCount(event) > 0) this.emit(event, value, other);
        },
        timeoutError: (lastFailure: Error | undefined) =>
          this.#timeoutError(gate.holders(), acquireTimeout(lastFailure)),
        endedError: () => endedWhileWaiting(undefined),
      };
      return new NullPool(host, gate, keeping);
    }

    /** Of pg-pool's own limit, which holds in bypass. */
    #explain(error: Error | undefined): Error | undefined {
      if (this.#engine !== undefined || !isAcquireTimeout(error)) return error;
      return this.ending ? endedWhileWaiting(error) : this.#timeoutError(this.#checkouts, error);
    }

    #timeoutError(holders: Iterable<GateHolder>, cause: Error | undefined): Error {
      const { max, connectionTimeoutMillis: limitMs } = this.options;
      return acquireTimeoutError(guard, { max, limitMs, counters: this.counters, holders, cause });
    }

    /** pg-pool's own end, which refuses to be called twice. */
    #endStock(): Promise<void> {
      return new Promise((resolve, reject) => {
        super.end((error) => (error ? reject(error) : resolve()));
      });
    }

    async #end(): Promise<void> {
      // What a unit keeps for its next call, and nobody has, would be waited for.
      for (const checkout of this.#checkouts) checkout.onIdle?.();
      await this.#endStock();
      await this.#engine?.end();
      this.#forget();
      await this.#stock?.whenAllClosed();
    }
  };
}

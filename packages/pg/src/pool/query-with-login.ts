import { AsyncResource } from "node:async_hooks";

import { afterInput, now } from "../clock.ts";
import type { Guard } from "../guard.ts";
import type { PgQueryConstructor } from "../driver/pg-internals.ts";
import { asGiven } from "../driver/given.ts";
import { controlTextOf } from "../driver/query-forms.ts";
import { sharedState } from "../registry.ts";
import { canBeFirst, type FirstStatement } from "../login/open-client.ts";
import { rawControlProblem } from "../units/raw-control.ts";
import { currentUnit } from "../units/context.ts";
import type { Borrower } from "../units/lease.ts";
import type { Checkout, RawRelease } from "./checkout.ts";
import type { NullPool } from "./null-pool.ts";
import type { TakenConnection } from "./pool-host.ts";
import { FOR_ONE_STATEMENT } from "./pool-request.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { Request } from "./wait-queue.ts";

/** What a statement that may travel with its login needs of its pool. */
interface LoginHost {
  readonly guard: Guard;
  readonly Query: PgQueryConstructor;
  readonly engine: NullPool;
  /** Makes it the connection of this one statement. */
  readonly checkOut: (connection: PooledConnection, release: RawRelease) => Checkout | undefined;
}

/** True in the promise form, outside of units, of a process that is not drained, and where nobody wants to see a connection before its first statement. */
export function mayTravelWithLogin(
  pool: {
    readonly ending: boolean;
    readonly options: Readonly<Record<string, unknown>>;
    listenerCount(event: string): number;
  },
  call: readonly unknown[],
): boolean {
  const { onConnect, verify } = pool.options;
  return (
    !pool.ending &&
    sharedState().isDrained !== true &&
    currentUnit() === undefined &&
    pool.listenerCount("connect") === 0 &&
    !onConnect &&
    !verify &&
    !call.some((value) => typeof value === "function")
  );
}

/**
 * `pool.query()` where handshakes are pipelined (`connections.pipelineHandshake`) and a connection has to be
 * opened for it: the statement is there before the connection is. `undefined` where it has to be asked
 * for as any other: then it goes through pg-pool's own `query()`.
 */
export function queryWithLogin(
  host: LoginHost,
  [config, values]: readonly unknown[],
): Promise<unknown> | undefined {
  const { engine, guard, Query } = host;
  if (!engine.mayOpenFor || !canBeFirst(config)) return undefined;
  const given = asGiven(config);
  const statement = controlTextOf(given, Query);
  if (rawControlProblem(statement, guard) !== undefined) return undefined;
  const asked = new StatementWithLogin(host, { config: given, values, statement });
  return engine.openFor(asked) ? asked.answer : undefined;
}

/** What is sent, and what of it is known. */
interface Statement {
  readonly config: unknown;
  readonly values: unknown;
  readonly statement: string | undefined;
}

/**
 * One statement that opens its own connection, until it is answered.
 *
 * | the login | the statement |
 * | --- | --- |
 * | succeeds | answered on this connection, which is given back then |
 * | fails, the statement was sent with it | told what is known of its outcome |
 * | fails, the statement was not sent | waits for any connection, with what is left of its time |
 */
class StatementWithLogin extends AsyncResource implements TakenConnection {
  readonly borrower: Borrower = FOR_ONE_STATEMENT;
  readonly first: FirstStatement;
  readonly answer: Promise<unknown>;
  isUnsent = false;
  since: number = now();
  before: Request | undefined;
  after: Request | undefined;
  onLeave: (() => void) | undefined;
  readonly #host: LoginHost;
  readonly #statement: Statement;
  #checkout: Checkout | undefined;
  #isAnswered = false;
  #tell: (error: unknown, result?: unknown) => void = () => undefined;

  constructor(host: LoginHost, statement: Statement) {
    super("doorpolicy.checkout", { requireManualDestroy: true });
    this.#host = host;
    this.#statement = statement;
    const { config, values } = statement;
    this.first = {
      config,
      values,
      callback: (error, result) => this.#onAnswer(error, result),
      onUnsent: () => {
        this.isUnsent = true;
      },
    };
    this.answer = new Promise((resolve, reject) => {
      this.#tell = (error, result) => (error ? reject(error) : resolve(result));
    });
  }

  onOpen(connection: PooledConnection): void {
    this.#checkout = this.#host.checkOut(connection, connection.release);
    if (this.#checkout !== undefined) this.#checkout.statement = this.#statement.statement;
    if (this.#isAnswered) this.#checkout?.release();
  }

  /** As any other that has waited: where it was asked for, so that what is allowed there holds. */
  deliver(error: Error | undefined, connection: PooledConnection | undefined): void {
    this.runInAsyncScope(() => {
      if (connection === undefined) this.#tell(error);
      else this.#send(connection);
    });
  }

  #send(connection: PooledConnection): void {
    const { config, values } = this.#statement;
    const { callback } = this.first;
    this.onOpen(connection);
    try {
      connection.client.query(config, values, callback);
    } catch (error) {
      callback(error);
    }
  }

  #onAnswer(error: unknown, result: unknown): void {
    this.#isAnswered = true;
    if (this.#checkout === undefined) {
      // Answered by what has let it in: whoever goes on at once is to find this connection, not open another.
      afterInput(() => this.#tell(error, result));
      return;
    }
    this.#checkout.release();
    this.#tell(error, result);
  }
}

import { afterInput } from "../clock.ts";
import type { Guard } from "../guard.ts";
import type { PgQueryConstructor } from "../driver/pg-internals.ts";
import { controlTextOf } from "../driver/query-forms.ts";
import { sharedState } from "../registry.ts";
import { canBeFirst } from "../login/open-client.ts";
import { rawControlProblem } from "../units/raw-control.ts";
import { currentUnit } from "../units/context.ts";
import type { Checkout, RawRelease } from "./checkout.ts";
import type { NullPool } from "./null-pool.ts";
import type { PooledConnection } from "./pooled-connection.ts";

/** What a statement that may travel with its login needs of its pool. */
interface LoginHost {
  readonly guard: Guard;
  readonly Query: PgQueryConstructor;
  readonly engine: NullPool;
  /** Makes it the connection of this one statement. */
  readonly checkOut: (connection: PooledConnection, release: RawRelease) => Checkout | undefined;
  /** What the caller is told of a login that has failed. */
  readonly explain: (error: unknown) => unknown;
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
  { guard, Query, engine, checkOut, explain }: LoginHost,
  [config, values]: readonly unknown[],
): Promise<unknown> | undefined {
  if (!canBeFirst(config)) return undefined;
  const statement = controlTextOf(config, Query);
  if (rawControlProblem(statement, guard) !== undefined) return undefined;
  let checkout: Checkout | undefined;
  let isAnswered = false;
  let answer: ((error: unknown, result?: unknown) => void) | undefined;
  const isOpening = engine.openFor({
    first: {
      config,
      values,
      callback: (error, result) => {
        isAnswered = true;
        if (checkout === undefined) {
          // Answered by what has let it in: whoever goes on at once is to find this connection, not open another.
          afterInput(() => answer?.(error, result));
          return;
        }
        checkout.release();
        answer?.(error, result);
      },
    },
    onOpen: (connection) => {
      checkout = checkOut(connection, connection.release);
      if (checkout !== undefined) checkout.statement = statement;
      if (isAnswered) checkout?.release();
    },
  });
  if (!isOpening) return undefined;
  return new Promise((resolve, reject) => {
    answer = (error, result) => (error ? reject(explain(error)) : resolve(result));
  });
}

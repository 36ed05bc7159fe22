import type { PgClient } from "../driver/pg-internals.ts";
import type { FirstStatement } from "../login/open-client.ts";
import type { Checkout } from "./checkout.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { Request } from "./wait-queue.ts";

/** How a pool keeps its connections. Milliseconds; `Infinity` means without limit. */
export interface Keeping {
  /** Most connections of this pool. */
  readonly max: number;
  /** Most connections of all pools at the gate. */
  readonly gateMax: number;
  readonly acquireTimeoutMs: number;
  /** How long one connect may take, while callers wait for any. */
  readonly attemptMs: number;
  /** How long a connection that nobody uses stays open. 0: it is closed at once. */
  readonly idleMs: number;
  /** So many stay open though nobody uses them. */
  readonly min: number;
  readonly maxLifetimeMs: number;
  /** After so many uses a connection is closed. */
  readonly maxUses: number;
  /** What nobody uses keeps no process alive. For a time that a process notices. */
  readonly isUnrefed: boolean;
  /** A connect that failed before anything was sent is tried again while callers wait. */
  readonly connectRetry: boolean;
}

/** What a pool needs of the `pg.Pool` that it works for. */
export interface PoolHost {
  readonly holders: ReadonlySet<Checkout>;
  makeClient(): PgClient;
  /** What the service wants done with a new connection before anybody gets it (`onConnect`, `verify`). */
  prepare(client: PgClient): Promise<void> | undefined;
  /** True where the service looks at each new connection, and may set something on it. */
  hasConnectListener(): boolean;
  /** As an event of the pool, to whoever listens. */
  emit(event: string, value: unknown, other?: unknown): void;
  timeoutError(cause: Error | undefined): Error;
  endedError(): Error;
}

/**
 * A connection that is opened for one statement, whose answer says what became of both. Where it could not be
 * opened and the statement was not sent, it takes its place among those who wait for any.
 */
export interface TakenConnection extends Request {
  readonly first: FirstStatement;
  /** The login has failed, and the statement was not sent. */
  readonly isUnsent: boolean;
  /** It is open; whoever asked gives it back, when the statement is answered. */
  onOpen(connection: PooledConnection): void;
}

import type { CallSite } from "../call-site.ts";
import type { ConnectionGuard } from "../connection/connection-guard.ts";
import type { Guard } from "../guard.ts";
import type { PgClient, PgQueryConstructor } from "../driver/pg-internals.ts";

/** Who asks for a connection. */
export interface Borrower {
  readonly site: CallSite;
  /** The unit's own name for a message. */
  readonly label: string | undefined;
  /** The one statement that it is for, where it is for one; shown with its literals replaced. */
  readonly statement?: string | undefined;
  /** Ends the wait for a connection. */
  readonly signal?: AbortSignal | undefined;
}

/** A connection that somebody has to himself until he releases it. */
export interface Lease {
  readonly client: PgClient;
  readonly connection: ConnectionGuard;
  readonly borrower: Borrower;
  /** True once it was given back, or taken. */
  readonly isReleased: boolean;
  /** The error for a statement that comes after it was given back, or taken. */
  refusal(): Error | undefined;
  /** Never throws. Rolls back what is open, and passes the connection on when it is clean. */
  readonly release: (error?: unknown) => void;
  /** The connection is gone or was ended. */
  take(reason: Error): void;
  /** Called once if the guard takes the connection away: it was lost, or a limit was over. */
  onTaken: ((reason: Error) => void) | undefined;
  /** Asked when it has lain idle for long: true where the holder has given it back then. */
  onIdle: (() => boolean) | undefined;
}

/** Where connections to one lane of one target come from: a guarded pool, of any copy of this package. */
export interface ConnectionSource {
  readonly target: string;
  readonly lane: string;
  /** True for a pool of a replica, which takes no writes. */
  readonly isReplica: boolean;
  /** The pool of the primary beside a pool of a replica. */
  readonly primary: ConnectionSource | undefined;
  readonly guard: Guard;
  readonly Query: PgQueryConstructor;
  /** True once `end()` was called. */
  readonly isEnding: boolean;
  /** True while it could give a connection at once. */
  readonly hasRoom: boolean;
  /** The type parsers of this pool's own `pg`, which may be another copy than the connection's. */
  readonly parsers: unknown;
  take(borrower: Borrower): Promise<Lease>;
}

import type { Guard } from "../guard.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import type { Borrower, ConnectionSource, Lease } from "./lease.ts";
import type { CheckedTransactionOptions } from "./options.ts";
import type { Settings } from "./settings.ts";

/** What a pool asks of a unit. */
export interface BorrowRequest {
  readonly source: ConnectionSource;
  readonly borrower: Borrower;
  /** True for `pool.query()`: one statement, so that none may open or end a transaction. */
  readonly isSingle: boolean;
}

/**
 * What a unit of work is to every copy of this package: the one that runs in it, the pool that is asked
 * for a connection in it, and an adapter. Structure only: the class may be another copy's.
 */
export interface Unit {
  readonly kind: "unit" | "transaction";
  /** As the caller named it. */
  readonly label: string | undefined;
  /** Settings that each of its transactions begins with. */
  readonly setLocal: Settings | undefined;
  readonly parent: Unit | undefined;
  /** True once its function has settled. */
  readonly isOver: boolean;
  /** The guard of a target in which it has a transaction open right now, its own or an ORM's. */
  readonly openIn: Guard | undefined;
  /** A handle over the unit's connection; `undefined` where the caller is to do as outside of any unit. */
  borrow(request: BorrowRequest): Promise<PgClient> | undefined;
}

/** A unit without a transaction of its own. */
export interface OpenUnit extends Unit {
  readonly kind: "unit";
  /** The unit's connection of a lane, for a transaction that runs in it. */
  lease(source: ConnectionSource, borrower: Borrower): Promise<Lease>;
  /** Its function has settled. */
  end(): void;
}

/** A `transaction()` that is running. */
export interface OpenTransaction extends Unit {
  readonly kind: "transaction";
  /** An inner `transaction()` with a savepoint of its own. Throws for options that it cannot have. */
  nest(options: CheckedTransactionOptions, borrower: Borrower): OpenTransaction;
  /** An inner one without: waited for until the function that is returned is called. Throws likewise. */
  join(options: CheckedTransactionOptions, borrower: Borrower): () => void;
  /** Marks it so that it can only be rolled back. */
  doom(reason: unknown): void;
  /** The error for what is asked of it too late; `undefined` while it takes statements. */
  refusal(): Error | undefined;
  /** The same, reported, for a unit that would begin too late; `undefined` where the mode lets it through. */
  refuseLate(): Error | undefined;
  /** Its function has resolved: waits for what it has not awaited. Throws if that takes too long. */
  settle(): Promise<void>;
  /** Nothing more is to come: COMMIT, or RELEASE of its savepoint. Throws if nothing was stored. */
  commit(): Promise<void>;
  /** Its function has failed: ROLLBACK. Never throws. */
  rollBack(reason: unknown): Promise<void>;
  /** Calls `action` after the outermost COMMIT, in order. */
  afterCommit(action: () => unknown): void;
}

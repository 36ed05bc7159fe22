import type { PoolerKind, PoolMode } from "../pooler.ts";

/** A pooler as it is deployed. What is not declared is taken as the least capable. */
export interface PoolerPolicy {
  readonly kind: PoolerKind;
  /** Its version, such as `"1.24"`. Unknown means least capable. */
  readonly version?: string;
  /** @default "transaction"; "session" where the pooled URL shows it */
  readonly mode?: PoolMode;
  /** Limits as the pooler is configured; they are checked against the policy's own. Milliseconds. */
  readonly limits?: PoolerLimits;
  /** Settings of the pooler that decide a capability. */
  readonly settings?: PoolerSettings;
}

/** The pooler's own limits, in milliseconds; 0 or absent means none. */
export interface PoolerLimits {
  /** PgBouncer `idle_transaction_timeout`. */
  readonly idleTransactionTimeoutMs?: number;
  /** PgBouncer `query_wait_timeout` (its own default is 120 s). */
  readonly queryWaitTimeoutMs?: number;
  /** PgBouncer `query_timeout`. */
  readonly queryTimeoutMs?: number;
  /** PgBouncer `transaction_timeout` (1.25 and later). */
  readonly transactionTimeoutMs?: number;
}

/** Pooler settings that change what it can do. One that a pooler does not have decides nothing there. */
export interface PoolerSettings {
  /**
   * PgBouncer `max_prepared_statements`, PgCat `prepared_statements_cache_size`; 0 switches the tracking
   * of named statements off.
   *
   * @default PgBouncer: 200 (before 1.24: 0); PgCat: 0
   */
  readonly maxPreparedStatements?: number;
  /**
   * Whether named statements of the protocol follow their client, where that is a switch: Supavisor
   * `named_prepared_statements`, Odyssey `pool_reserve_prepared_statement`, PgDog and Neon, and RDS
   * Proxy where a team has seen that they do not pin.
   *
   * @default PgDog, Neon: true; the others: false
   */
  readonly tracksNamedStatements?: boolean;
  /**
   * PgDog `prepared_statements = "full"`: SQL `PREPARE` and `EXECUTE` follow their client.
   *
   * @default false
   */
  readonly tracksSqlPrepare?: boolean;
  /**
   * PgDog `query_parser`: whoever takes an advisory lock keeps the server connection until it is freed.
   *
   * @default false
   */
  readonly pinsSessionLocks?: boolean;
  /**
   * PgBouncer `server_reset_query_always`, Odyssey `pool_discard`: a server connection is cleaned before
   * the next client gets it.
   *
   * @default Odyssey: true without `tracksNamedStatements`; PgBouncer: false
   */
  readonly resetsSessionState?: boolean;
  /** PgBouncer `track_extra_parameters`. */
  readonly trackExtraParameters?: readonly string[];
  /** PgBouncer `ignore_startup_parameters`: accepted at startup and silently not applied. */
  readonly ignoreStartupParameters?: readonly string[];
}

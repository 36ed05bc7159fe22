/** How a transaction begins, and its limits: milliseconds, 0 means none. */
export interface TransactionPolicy {
  /**
   * Longest time a transaction may stay open with no statement running. The guard rolls it back
   * then; the server is told a limit a little longer, for processes that no longer run.
   *
   * @default 5_000
   */
  readonly idleTimeoutMs?: number;
  /**
   * Longest time a transaction may stay open in all.
   *
   * @default 30_000
   */
  readonly timeoutMs?: number;
  /**
   * `statement_timeout` of each statement inside a block, sent with BEGIN as SET LOCAL. Statements
   * outside blocks have none through a pooler in transaction mode.
   *
   * @default 0 (`strict`: 15_000)
   */
  readonly statementTimeoutMs?: number;
  /**
   * `lock_timeout` of each statement inside a block, sent with BEGIN as SET LOCAL.
   *
   * @default 0 (`strict`: 5_000)
   */
  readonly lockTimeoutMs?: number;
  /**
   * Whether an ORM's own BEGIN is answered at once and sent together with the first statement of its
   * block: a block without a statement never reaches the server, and time before the first one holds
   * no server connection. `transaction()` begins at its first statement in any case.
   *
   * The snapshot and `now()` of the block are then those of its first statement, and a server that
   * cannot be reached is noticed there and not at BEGIN.
   *
   * @default false
   */
  readonly lazyBegin?: boolean;
}

/** When a unit of work is taken not to come to its end by itself. Milliseconds. */
export interface UnitsPolicy {
  /**
   * How long the holder of a unit's connection may have nothing in flight while another call of the
   * same unit waits for it. Then the one that waits fails with `unit/stalled`, naming the holder: each
   * may be waiting for the other. Not how long it may wait: a holder that gets on is waited for.
   *
   * @default 2_000
   */
  readonly stallMs?: number;
  /**
   * How long `transaction()` waits, once its function has returned, for connections that are still
   * borrowed and inner blocks that are still open. Then it is rolled back and fails with
   * `unit/unawaited-work`: a COMMIT would store one part of the work. 0 means that it does not wait.
   *
   * @default 1_000
   */
  readonly settleTimeoutMs?: number;
}

/** Calls to other services while a transaction is open (`transaction/no-external-calls`). */
export interface ExternalCallsPolicy {
  /**
   * Hosts to which such calls are not reported: a host or an address without scheme and port, or
   * `*.example.com` for all below it. For what sends on its own account, such as an exporter of traces.
   * A later policy's list replaces an earlier one's.
   *
   * @default []
   */
  readonly ignoreHosts?: readonly string[];
}

import type { EnvReference } from "./env.ts";
import type { Mode } from "./mode.ts";
import type { PoolerKind, PoolMode } from "./pooler.ts";
import type { Violation } from "./violation.ts";

/** A connection URL, or the name of the environment variable that holds it (see {@link env}). */
export type UrlSource = string | EnvReference;

/**
 * A preset by name.
 *
 * - `"recommended"`: safe to add to a running service; it lies under every policy.
 * - `"strict"`: violations are acted upon, and a service's own options override nothing.
 *
 * The others say only how connections are kept, and go beside one of these two:
 *
 * - `"pgbouncer"`: `reuse: "none"`, closed 5 ms after nobody waits. Connecting to PgBouncer is cheap.
 * - `"serverless"`: `reuse: "none"`, closed at once: a frozen process runs no timer that would do it later.
 * - `"supabase"`, `"neon"`, `"rds-proxy"`: `reuse: "pool"` for 5 s, since connecting there is dear, and
 *   the provider's pooler.
 */
export type PresetName =
  | "recommended"
  | "strict"
  | "pgbouncer"
  | "serverless"
  | "supabase"
  | "neon"
  | "rds-proxy";

/** A preset by name, or the policy of a team package, imported and passed as an object. */
export type PolicyBase = PresetName | Policy;

/** What a team wants of every connection, in no ORM's words. Written by people; see `ResolvedPolicy`. */
export interface Policy {
  /**
   * What this policy starts from. Later entries win over earlier ones, this policy over all, key by
   * key; `allow` and `enforced` add up instead, so that one more entry loosens nothing. `recommended`
   * lies under everything. A team package is imported and passed as an object, not named.
   *
   * @default "recommended"
   */
  readonly extends?: PolicyBase | readonly PolicyBase[];
  /**
   * The databases of the application, by the application's own name for them.
   *
   * @default one target `main` behind a PgBouncer of unknown version in transaction mode, without URLs
   */
  readonly targets?: Readonly<Record<string, TargetPolicy>>;
  /**
   * What happens about a violation, where a target does not say otherwise.
   * `DOORPOLICY_MODE` in the environment overrides it, and says so.
   *
   * @default "observe" ("enforce" in `strict`)
   */
  readonly mode?: Mode;
  /**
   * What stands between the application and Postgres, where a target does not say otherwise.
   *
   * @default none ("supavisor", "neon" and "rds-proxy" in the presets of these providers)
   */
  readonly pooler?: PoolerPolicy;
  readonly naming?: NamingPolicy;
  readonly connections?: ConnectionPolicy;
  readonly transaction?: TransactionPolicy;
  readonly units?: UnitsPolicy;
  readonly externalCalls?: ExternalCallsPolicy;
  /**
   * What single rules do; a bare string sets `check`, and `runtime` follows the mode.
   * `DOORPOLICY_RULES=rule=warn,…` overrides it, and says so.
   */
  readonly rules?: Readonly<Record<string, RuleSetting>>;
  /** Written exceptions; each one appears in reports. */
  readonly allow?: readonly Exception[];
  /**
   * Keys of this policy (`"connections.maxPerProcess"`, or `"connections"` for all below it) that a
   * service's own options may not override. Everything else is a default.
   *
   * @default [] (`strict`: all)
   */
  readonly enforced?: readonly string[];
  /**
   * Called with each violation. Without it, a violation is a `process.emitWarning`. It may not
   * throw: what it throws is itself reported as a warning and goes no further.
   */
  readonly onViolation?: (violation: Violation) => void;
}

/** One database as the application knows it. */
export interface TargetPolicy {
  /**
   * What stands between the application and Postgres on the pooled lane. Replicas count as reached
   * through it too; the direct lane does not.
   *
   * @default the policy's `pooler`; else what the pooled URL shows, where it is the documented address
   * of a provider (Supabase, Neon, AWS, DigitalOcean, Crunchy Bridge, Azure), and this is said once; else a
   * PgBouncer of unknown version in transaction mode, which can do least
   */
  readonly pooler?: PoolerPolicy;
  /** URL of the pooled lane. */
  readonly pooled?: UrlSource;
  /** URL of Postgres itself: migrations, LISTEN, session locks and long reports. */
  readonly direct?: UrlSource;
  /** URLs of read replicas. */
  readonly replicas?: readonly UrlSource[];
  /**
   * Settings without which no statement that may touch a table goes out: `["app.tenant"]`. They come
   * from `setLocal` of the unit or transaction that the statement is in, and may not be empty there.
   * Rule `unit/required-setting`. What a policy that is extended requires stays required.
   *
   * Left alone is the direct lane, where migrations and locks are everybody's, and what names no
   * table: `SHOW`, `SELECT version()`, transaction control. Row-level policies are the server's part:
   * a setting that no policy reads protects nothing.
   *
   * @default []
   */
  readonly requireSetting?: readonly string[];
  /** @default the policy's `mode` */
  readonly mode?: Mode;
}

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

/** How a connection says who it is. */
export interface NamingPolicy {
  /**
   * `application_name` of every physical connection. Placeholders: `{app}`, `{user}`, `{host}`,
   * `{pod}`, `{env}` (DD_ENV, then NODE_ENV), `{pid}`; a part that nobody knows is `unknown`. Holds
   * `{app}`, and one of `@:/_-` between two placeholders.
   *
   * PgBouncer sends `SET application_name` whenever a server connection passes to a client of another
   * name, so that `{pod}` and `{pid}` cost a round trip at most switches (mastodon/mastodon#23958).
   *
   * @default "{app}:{user}@{host}"
   */
  readonly template?: string;
  /**
   * @default OTEL_SERVICE_NAME, DD_SERVICE, the nearest package.json's name (`acme/billing` for
   * `@acme/billing`), then the script's name, or its folder's where it is `main`, `index`, `server` or `app`
   */
  readonly app?: string;
  /** @default the operating system's user without a Windows domain, else `uid<number>` */
  readonly user?: string;
  /**
   * @default the host name up to its first dot; in Kubernetes the workload without its hashes (a
   * StatefulSet keeps its ordinal)
   */
  readonly host?: string;
}

/** How connections are opened, capped and kept. */
export interface ConnectionPolicy {
  /**
   * What happens to a connection that nobody is using.
   *
   * - `"none"`: it is closed as soon as nobody waits for it; the pooler does the pooling.
   * - `"pool"`: it stays open for `idleTimeoutMs`, for whoever comes next in this process.
   *
   * Holds where a pooler pools behind it. On the direct lane and with the pooler kind `"none"` it is
   * always `"pool"`: each connection there costs Postgres a fork.
   *
   * @default "none"
   */
  readonly reuse?: "none" | "pool";
  /**
   * Most connections that this process has open at a time to one lane of a target, those being opened
   * and closed included; more callers wait. All pools of all adapters share it, from whichever copy of
   * a package they come. Replicas have their own.
   *
   * @default 10
   */
  readonly maxPerProcess?: number;
  /**
   * Longest wait for a connection, connecting included, in milliseconds. Always finite: a driver's
   * own default is to wait for ever.
   *
   * @default 5_000
   */
  readonly acquireTimeoutMs?: number;
  /**
   * With `reuse: "none"`, how long a released connection that nobody waits for stays open for whoever
   * comes next, in milliseconds. Statements that follow each other without a pause then share one
   * login; 0 closes at once. Shorter than `acquireTimeoutMs`. No effect with `"pool"`.
   *
   * @default 5 (`strict` and `serverless`: 0)
   */
  readonly lingerMs?: number;
  /**
   * With `reuse: "pool"`, how long an unused connection stays open, in milliseconds. No effect with
   * `"none"`.
   *
   * @default 5_000
   */
  readonly idleTimeoutMs?: number;
  /**
   * With `reuse: "pool"`, how many connections of each pool stay open though nobody uses them. Each
   * one keeps a client slot of the pooler, on Postgres itself a process, for as long as this process
   * lives. At most `maxPerProcess`; refused where every target has a pooler and `reuse` is `"none"`.
   *
   * @default 0
   */
  readonly minPerProcess?: number;
  /**
   * Age in milliseconds at which a connection is closed, whatever `reuse` says: at once where nobody
   * uses it, else when it is given back. A process that is never idle so moves on after a restart of
   * the pooler. Up to 10 % less, by chance for each connection, so that not all are opened anew
   * together. 0 means never. Not shorter than `idleTimeoutMs`.
   *
   * @default 60_000
   */
  readonly maxLifetimeMs?: number;
  /**
   * Whether the first SASL message goes out with the startup packet and the first statement with the
   * last message of the login, so that 5 round trips become 3. Done only where the lane
   * `accepts-pipelined-handshake`, over verified TLS, a Unix socket or loopback, to a server that has
   * asked for SCRAM before; anything else logs in one message after another.
   *
   * A statement sent that way counts as sent: a connection lost before its answer is
   * `statement/outcome-unknown`, and the statement is never repeated.
   *
   * @default false
   */
  readonly pipelineHandshake?: boolean;
  /**
   * Whether a connect that has failed before anything was sent is tried again, after a pause that doubles
   * from 50 ms to 1 s and of which half is chance, for as long as a caller waits for it
   * (`acquireTimeoutMs`): nobody listens, the name does not resolve, the pooler is full or being
   * replaced, the database is not there yet. One attempt takes half of the caller's time at most, and at
   * least 1 s of it, so that a host that swallows everything leaves time for another. A pool whose
   * connects fail opens one socket at a time until one succeeds. When the caller's time is over, it gets the error of the last attempt.
   *
   * What needs a change first (a password, a certificate, a database's name) fails at once in any case, and
   * a statement that was written to a socket is never sent again. Holds in `observe` as in `enforce`, for
   * pools; a `Client` that a service connects by itself can connect only once.
   *
   * @default true
   */
  readonly connectRetry?: boolean;
  /**
   * After how many milliseconds without a byte from the other end its kernel is asked whether it is still
   * there (TCP keepalive); about ten seconds later the connection counts as lost, and the statement that
   * waits on it fails. A driver's own default is to wait for ever for an answer from a host that is gone,
   * and load balancers forget connections that are quiet for some minutes. 0: nobody is asked. A
   * service's own `keepAlive: true` keeps its own delay.
   *
   * @default 10_000
   */
  readonly keepAliveMs?: number;
  /**
   * How long a connection may be out of its pool without a message of its holder, in milliseconds,
   * before `connections/held-idle` is reported with the stack of whoever took it: it keeps a slot of
   * the process and of the pooler that nobody uses. Time counts since the holder's last message, and
   * never while bytes flow. 0 means never. Not on the direct lane, nor where nothing pools behind.
   *
   * @default 5_000
   */
  readonly heldIdleWarnMs?: number;
  /**
   * How long, in milliseconds, until it is taken back: an open block is rolled back, the connection
   * closed, and the holder's next statement fails with `connection/reclaimed`. 0 means never;
   * otherwise longer than `heldIdleWarnMs`. Not where that one does not hold.
   *
   * @default 60_000 (`strict`: 15_000)
   */
  readonly heldIdleReclaimMs?: number;
}

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

export type CheckLevel = "off" | "warn" | "error";
export type RuntimeLevel = "off" | "warn" | "refuse";

/** What one rule does in the static check and at run time. */
export type RuleSetting =
  | CheckLevel
  | { readonly check?: CheckLevel; readonly runtime?: RuntimeLevel };

/** A written exception to a rule. */
export interface Exception {
  /** The rule's id. */
  readonly rule: string;
  /** Where it holds: an option path or a part of the statement's text; absent means everywhere. */
  readonly match?: string;
  /** Why; shown in every report. */
  readonly reason: string;
  /** Last day on which it holds, as `YYYY-MM-DD`; afterwards it is reported and has no effect. */
  readonly until?: string;
}

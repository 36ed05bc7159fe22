import type { ConfigPaths } from "@doorpolicy/pg";

/**
 * What any DataSource options have. Structural, so that TypeORM 0.3 and 1.x both fit without a deep
 * import; what is not named here passes through.
 */
export interface DataSourceLikeOptions {
  /** Only `"postgres"` goes through node-postgres; anything else is refused. */
  // The odd form of "any text" lets a literal keep its type on the way through.
  readonly type: "postgres" | (string & {});
}

/** Connection settings that may differ between a primary and its replicas. */
export interface Credentials {
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: unknown;
  readonly database?: string;
  readonly ssl?: unknown;
  readonly applicationName?: string;
}

/** The subset of Postgres options that decides how TypeORM connects. */
export interface PostgresOptions extends DataSourceLikeOptions, Credentials {
  readonly driver?: unknown;
  readonly nativeDriver?: unknown;
  readonly poolSize?: number;
  readonly connectTimeoutMS?: number;
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly replication?: { readonly master: Credentials; readonly slaves: readonly Credentials[] };
  readonly synchronize?: boolean;
  readonly migrationsRun?: boolean;
  readonly dropSchema?: boolean;
  readonly installExtensions?: boolean;
  readonly extensions?: readonly string[];
}

/** One server that a DataSource has a pool for: the only one, the primary or a replica. */
export interface Endpoint {
  /** How its settings are called in the options: `""`, `"replication.master."`, `"replication.slaves[0]."`. */
  readonly prefix: string;
  readonly credentials: Credentials;
  /** The options with other credentials for this endpoint. */
  replace(options: PostgresOptions, credentials: Credentials): PostgresOptions;
}

/** Every endpoint, in the order in which TypeORM opens pools does not matter: primary first. */
export function endpointsOf(options: PostgresOptions): readonly Endpoint[] {
  const { replication } = options;
  if (replication === undefined) {
    return [{ prefix: "", credentials: options, replace: (all, own) => ({ ...all, ...own }) }];
  }
  const slaves = replication.slaves.map((credentials, index): Endpoint => ({
    prefix: `replication.slaves[${index}].`,
    credentials,
    replace: (all, own) => ({
      ...all,
      replication: {
        ...(all.replication ?? replication),
        slaves: (all.replication ?? replication).slaves.map((slave, at) =>
          at === index ? own : slave,
        ),
      },
    }),
  }));
  const master: Endpoint = {
    prefix: "replication.master.",
    credentials: replication.master,
    replace: (all, own) => ({
      ...all,
      replication: { ...(all.replication ?? replication), master: own },
    }),
  };
  return [master, ...slaves];
}

/**
 * The object that TypeORM gives to `new Pool()`. `extra` wins over everything.
 *
 * Learnt from `PostgresDriver.createPool`, the same in 0.3.31 and 1.1.1.
 */
export function poolConfigOf(
  options: PostgresOptions,
  credentials: Credentials,
): Record<string, unknown> {
  return {
    connectionString: credentials.url,
    host: credentials.host,
    user: credentials.username,
    password: credentials.password,
    database: credentials.database,
    port: credentials.port,
    ssl: credentials.ssl,
    connectionTimeoutMillis: options.connectTimeoutMS,
    application_name: options.applicationName ?? credentials.applicationName,
    max: options.poolSize,
    ...options.extra,
  };
}

/** TypeORM's own words for keys of the pool config that hold for every endpoint. */
const SHARED: Readonly<Record<string, string>> = {
  connectionTimeoutMillis: "connectTimeoutMS",
  application_name: "applicationName",
  max: "poolSize",
};

/** And for those that each endpoint has of its own. */
const OF_ENDPOINT: Readonly<Record<string, string>> = {
  host: "host",
  port: "port",
  user: "username",
  password: "password",
  database: "database",
  ssl: "ssl",
};

/** How a user of TypeORM calls what reaches pg; `urlName` is what a URL from the policy is called. */
export function pathsOf(
  options: PostgresOptions,
  endpoint: Endpoint,
  urlName?: string,
): ConfigPaths {
  const { extra = {} } = options;
  return {
    option: (key) => {
      const own = SHARED[key];
      const name = OF_ENDPOINT[key];
      if (!(key in extra) && name !== undefined) return `${endpoint.prefix}${name}`;
      if (key in extra || own === undefined) return `extra.${key}`;
      const isOfEndpoint = key === "application_name" && options.applicationName === undefined;
      return isOfEndpoint && endpoint.credentials.applicationName
        ? `${endpoint.prefix}${own}`
        : own;
    },
    url: (parameter) => {
      if ("connectionString" in extra) return `extra.connectionString?${parameter}`;
      return `${urlName ?? `${endpoint.prefix}url`}?${parameter}`;
    },
  };
}

/** Puts a changed pool config back into the words it came from; what TypeORM has no word for goes to `extra`. */
export function withPoolConfig(
  options: PostgresOptions,
  endpoint: Endpoint,
  config: Readonly<Record<string, unknown>>,
): PostgresOptions {
  const before = poolConfigOf(options, endpoint.credentials);
  const extra: Record<string, unknown> = { ...options.extra };
  const shared: Record<string, unknown> = {};
  let result = options;
  for (const key of new Set([...Object.keys(before), ...Object.keys(config)])) {
    const value = config[key];
    if (value === before[key] && key in config === key in before) continue;
    const own = SHARED[key];
    if (key in extra || (own === undefined && key !== "connectionString")) {
      if (value === undefined) delete extra[key];
      else extra[key] = value;
    } else if (own === undefined) {
      result = endpoint.replace(result, { ...endpoint.credentials, url: String(value) });
    } else {
      shared[own] = value;
    }
  }
  const isSame = options.extra === undefined && Object.keys(extra).length === 0;
  return { ...result, ...shared, ...(isSame ? {} : { extra }) };
}

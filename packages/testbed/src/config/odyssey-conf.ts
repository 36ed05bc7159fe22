import type { AuthMethod, PoolMode } from "../options.ts";
import { authType } from "./postgres-conf.ts";

/** One database as clients name it. */
interface OdysseyAlias {
  readonly alias: string;
  readonly database: string;
  readonly poolMode: PoolMode;
}

/** Everything that an `odyssey.conf` of the testbed says. */
export interface OdysseyConf {
  readonly host: string;
  readonly port: number;
  readonly postgres: { readonly host: string; readonly port: number };
  readonly aliases: readonly OdysseyAlias[];
  /** Role → password; Odyssey logs in to PostgreSQL with the same. */
  readonly users: Readonly<Record<string, string>>;
  readonly admin: { readonly user: string; readonly password: string };
  readonly auth: AuthMethod;
  readonly poolSize: number;
  /** Shown to clients that ask for TLS. */
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  /** CA that PostgreSQL's certificate has to come from. */
  readonly serverCaFile?: string;
  /** Win over the testbed's own keys of each route. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** The text of an `odyssey.conf`, as measured with 1.5.2. */
export function odysseyConf(conf: OdysseyConf): string {
  const { admin, host, port, postgres, serverCaFile, tls } = conf;
  const listenTls = tls
    ? [
        `tls "allow"`,
        `tls_ca_file "${tls.caFile}"`,
        `tls_cert_file "${tls.certFile}"`,
        `tls_key_file "${tls.keyFile}"`,
      ]
    : [`tls "disable"`];
  const storageTls =
    serverCaFile === undefined ? [] : [`tls "verify_ca"`, `tls_ca_file "${serverCaFile}"`];
  return [
    `daemonize no`,
    `workers 1`,
    `log_to_stdout yes`,
    `log_format "%p %t %l [%i %s] (%c) %m\\n"`,
    `log_session yes`,
    `log_stats no`,
    ...block("listen", [`host "${host}"`, `port ${port}`, `backlog 1024`, ...listenTls]),
    ...block(`storage "postgres"`, [
      `type "remote"`,
      `host "${postgres.host}"`,
      `port ${postgres.port}`,
      ...storageTls,
    ]),
    ...conf.aliases.flatMap((alias) =>
      block(
        `database "${alias.alias}"`,
        Object.entries(conf.users).flatMap(([user, password]) =>
          block(`user "${user}"`, routeLines(conf, alias, user, password)),
        ),
      ),
    ),
    ...block(`storage "local"`, [`type "local"`]),
    ...block(`database "console"`, [
      ...block(`user "${admin.user}"`, [
        `authentication ${authentication(conf)}`,
        ...(conf.auth === "trust" ? [] : [`password ${quoted(admin.password)}`]),
        `role "admin"`,
        `pool "session"`,
        `storage "local"`,
      ]),
    ]),
    "",
  ].join("\n");
}

function routeLines(
  conf: OdysseyConf,
  alias: OdysseyAlias,
  user: string,
  password: string,
): string[] {
  const lines: Record<string, string | number> = {
    authentication: authentication(conf),
    storage: `"postgres"`,
    storage_db: `"${alias.database}"`,
    storage_user: `"${user}"`,
    storage_password: quoted(password),
    ...(conf.auth === "trust" ? {} : { password: quoted(password) }),
    pool: `"${alias.poolMode}"`,
    pool_size: conf.poolSize,
    pool_discard: alias.poolMode === "session" ? "yes" : "no",
    pool_cancel: "yes",
    pool_rollback: "yes",
    // Refused outside transaction mode.
    ...(alias.poolMode === "transaction" ? { pool_reserve_prepared_statement: "yes" } : {}),
    client_fwd_error: "yes",
    ...conf.settings,
  };
  return Object.entries(lines).map(([key, value]) => `${key} ${value}`);
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => `  ${line}`), `}`];
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function authentication({ auth }: OdysseyConf): string {
  return auth === "trust" ? '"none"' : `"${authType[auth]}"`;
}

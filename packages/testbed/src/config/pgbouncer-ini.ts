import type { PoolMode } from "../options.ts";
import { isAtLeast } from "./version.ts";

/** One entry of `[databases]`: the name clients use, and where it leads. */
interface PgbouncerAlias {
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Overrides the default for this alias. */
  readonly poolMode?: PoolMode;
}

/** Everything that a `pgbouncer.ini` of this project says. */
export interface PgbouncerIni {
  /** Of the PgBouncer that will read it: a key that it does not know keeps it from starting. */
  readonly version: string;
  readonly listenAddress: string;
  readonly listenPort: number;
  readonly aliases: readonly PgbouncerAlias[];
  readonly authType: "trust" | "md5" | "scram-sha-256";
  /** Path of the user list, as PgBouncer sees it. */
  readonly authFile: string;
  readonly adminUser: string;
  readonly poolMode: PoolMode;
  readonly poolSize: number;
  /** Shown to clients that ask for TLS. */
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  /** CA that PostgreSQL's certificate has to come from; without it TLS is used where it is offered. */
  readonly serverCaFile?: string;
  /** Win over everything above. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** A key and the first version that knows it; written only where it is known. */
const SINCE: Readonly<Record<string, string>> = {
  // Its default was 0 until 1.23 and is 200 since: named statements must not depend on that.
  max_prepared_statements: "1.21",
};

/**
 * The text of a `pgbouncer.ini`. Limits that would get in the way of tests are generous; everything
 * else keeps PgBouncer's default, so that what works here works in production.
 */
export function pgbouncerIni(ini: PgbouncerIni): string {
  const known = Object.entries(settingsOf(ini)).filter(([key]) =>
    isAtLeast(ini.version, SINCE[key] ?? "0"),
  );
  const settings = { ...Object.fromEntries(known), ...ini.settings };
  return [
    "[databases]",
    ...ini.aliases.map(aliasLine),
    "",
    "[pgbouncer]",
    ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`),
    "",
  ].join("\n");
}

function settingsOf({ tls, serverCaFile, ...ini }: PgbouncerIni): Record<string, string | number> {
  return {
    listen_addr: ini.listenAddress,
    listen_port: ini.listenPort,
    unix_socket_dir: "",
    auth_type: ini.authType,
    auth_file: ini.authFile,
    admin_users: ini.adminUser,
    pool_mode: ini.poolMode,
    default_pool_size: ini.poolSize,
    max_client_conn: 2000,
    listen_backlog: 1024,
    max_prepared_statements: 200,
    ...(tls && {
      client_tls_sslmode: "prefer",
      client_tls_ca_file: tls.caFile,
      client_tls_cert_file: tls.certFile,
      client_tls_key_file: tls.keyFile,
    }),
    ...(serverCaFile !== undefined && {
      server_tls_sslmode: "verify-full",
      server_tls_ca_file: serverCaFile,
    }),
  };
}

function aliasLine({ alias, host, port, database, poolMode }: PgbouncerAlias): string {
  const mode = poolMode === undefined ? "" : ` pool_mode=${poolMode}`;
  return `${alias} = host=${host} port=${port} dbname=${database}${mode}`;
}

/** `"name" "secret"` lines; quotes inside are doubled. */
export function userList(secrets: Readonly<Record<string, string>>): string {
  return Object.entries(secrets)
    .map(([user, secret]) => `${quoted(user)} ${quoted(secret)}\n`)
    .join("");
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

import type { AuthMethod } from "../options.ts";

/** How PostgreSQL and PgBouncer spell an authentication method. */
export const authType: Readonly<Record<AuthMethod, "trust" | "md5" | "scram-sha-256">> = {
  trust: "trust",
  md5: "md5",
  scram: "scram-sha-256",
};

/** What the testbed changes about a fresh cluster. */
export interface PostgresConf {
  readonly port: number;
  readonly host: string;
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  readonly settings?: Readonly<Record<string, string | number>>;
}

/**
 * Lines for the end of `postgresql.conf`, where the last one of a name wins.
 *
 * The disk is never waited for: a machine that loses power loses the cluster, a killed server does
 * not, because what was committed has been handed to the operating system (`synchronous_commit`
 * stays on).
 */
export function postgresConf({ port, host, tls, settings }: PostgresConf): string {
  const lines: Record<string, string | number> = {
    listen_addresses: host,
    port,
    unix_socket_directories: "",
    max_connections: 200,
    fsync: "off",
    full_page_writes: "off",
    autovacuum_naptime: "1min",
    shared_buffers: "32MB",
    track_activities: "on",
    log_line_prefix: "%m [%p] %a ",
    lc_messages: "C",
    ...(tls && {
      ssl: "on",
      ssl_ca_file: tls.caFile,
      ssl_cert_file: tls.certFile,
      ssl_key_file: tls.keyFile,
    }),
    ...settings,
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key} = ${quoted(value)}\n`)
    .join("");
}

function quoted(value: string | number): string {
  return `'${String(value).replaceAll("'", "''")}'`;
}

/**
 * URL parameters that node-postgres copies into its config and then does nothing with, and what to
 * use instead. Other clients honour them, which is how they come to stand in a shared `DATABASE_URL`.
 *
 * Learnt from pg 8.23.1 (`connection-parameters.js`) and, for the names of Prisma's own engine, from
 * `quaint`'s URL parser. pg-pool reads its options only and never the URL.
 */
export const IGNORED_URL_PARAMETERS: Readonly<Record<string, string>> = {
  pgbouncer: "Remove it; this client sends no named statements unless it is told to.",
  connection_limit: "Set `max`.",
  pool_timeout: "Set `connectionTimeoutMillis`.",
  connect_timeout: "Set `connectionTimeoutMillis`.",
  socket_timeout:
    "Set `transaction.statementTimeoutMs` in the policy; the server then ends the statement.",
  statement_cache_size: "Remove it; this client caches no statements.",
  max_idle_connection_lifetime: "Set `idleTimeoutMillis`.",
  max_connection_lifetime: "Set `maxLifetimeSeconds`.",
  schema: "Set the ORM's own `schema` option.",
  search_path: "Qualify table names, or set it with `ALTER ROLE … SET search_path`.",
  sslaccept: "Use `sslmode=verify-full` or `sslmode=no-verify`.",
  sslidentity: "Use `sslcert` and `sslkey`.",
  sslpassword: "Use `sslcert` and `sslkey`.",
  max: "Set `max` in the pool's options.",
  poolSize: "Set `max` in the pool's options.",
  min: "Set `min` in the pool's options.",
  maxUses: "Set `maxUses` in the pool's options.",
  idleTimeoutMillis: "Set `idleTimeoutMillis` in the pool's options.",
  connectionTimeoutMillis: "Set `connectionTimeoutMillis` in the pool's options.",
  maxLifetimeSeconds: "Set `maxLifetimeSeconds` in the pool's options.",
};

/**
 * Variables of libpq with which node-postgres does nothing, and what to use instead. psql and services in
 * other languages honour them, so that one environment means two things.
 *
 * From source, pg 8.5 to 8.23: `connection-parameters.js` reads PGHOST, PGPORT, PGUSER, PGDATABASE,
 * PGPASSWORD, PGOPTIONS, PGAPPNAME, PGSSLMODE and PGREPLICATION, `pgpass` PGPASSFILE, and nobody these.
 */
export const IGNORED_VARIABLES: Readonly<Record<string, string>> = {
  PGTZ: "Set `ALTER ROLE … SET TimeZone`.",
  PGDATESTYLE: "Set `ALTER ROLE … SET DateStyle`.",
  PGCLIENTENCODING: "Remove it; this client always speaks UTF-8.",
  PGHOSTADDR: "Set PGHOST.",
  PGSERVICE: "Set PGHOST, PGPORT and so on, or a URL.",
  PGCONNECT_TIMEOUT: "Set `connectionTimeoutMillis`.",
  PGTARGETSESSIONATTRS: "Set the URL of the server that takes writes.",
  PGSSLROOTCERT: "Set `sslrootcert` in the URL, or `ssl.ca`.",
  PGSSLCERT: "Set `sslcert` in the URL, or `ssl.cert`.",
  PGSSLKEY: "Set `sslkey` in the URL, or `ssl.key`.",
};

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

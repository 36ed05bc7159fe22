/** What can stand between a client and Postgres. */
export type PoolerKind = "pgbouncer" | "none";

/** When the pooler gives a server connection to the next client. */
export type PoolMode = "session" | "transaction" | "statement";

/** Every pooler kind, for validation and messages. */
export const POOLER_KINDS: readonly PoolerKind[] = ["pgbouncer", "none"];

/** Every pool mode, for validation and messages. */
export const POOL_MODES: readonly PoolMode[] = ["session", "transaction", "statement"];

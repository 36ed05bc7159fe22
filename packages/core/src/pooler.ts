/** What can stand between a client and Postgres. */
export type PoolerKind = "pgbouncer" | "none";

/** When the pooler gives a server connection to the next client. */
export type PoolMode = "session" | "transaction" | "statement";

/** Every pooler kind, for validation and messages. */
export const POOLER_KINDS: readonly PoolerKind[] = ["pgbouncer", "none"];

/** Every pool mode, for validation and messages. */
export const POOL_MODES: readonly PoolMode[] = ["session", "transaction", "statement"];

const TITLES: Readonly<Record<PoolerKind, string>> = { pgbouncer: "PgBouncer", none: "Postgres" };

/** A pooler in the words of a message, such as `PgBouncer 1.18`. Never decides anything. */
export function titleOfPooler(pooler: {
  readonly kind: PoolerKind;
  readonly version?: string | undefined;
}): string {
  const title = TITLES[pooler.kind];
  if (pooler.kind === "none") return title;
  return pooler.version === undefined
    ? `${title} of unknown version`
    : `${title} ${pooler.version}`;
}

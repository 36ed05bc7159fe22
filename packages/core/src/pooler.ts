/**
 * What can stand between a client and Postgres.
 *
 * - `"pgbouncer"`: also where a service runs one under another name (DigitalOcean, Crunchy Bridge,
 *   Azure, Heroku).
 * - `"supavisor"`: Supabase's shared pooler.
 * - `"neon"`: Neon's pooled endpoint, which has a PgBouncer inside.
 * - `"rds-proxy"`: Amazon RDS Proxy, also in front of Aurora.
 * - `"pgcat"`, `"pgdog"`, `"odyssey"`: run by oneself.
 * - `"none"`: nothing; Postgres itself.
 */
export type PoolerKind =
  | "pgbouncer"
  | "supavisor"
  | "neon"
  | "rds-proxy"
  | "pgcat"
  | "pgdog"
  | "odyssey"
  | "none";

/** When the pooler gives a server connection to the next client. */
export type PoolMode = "session" | "transaction" | "statement";

/** How messages call each kind. */
const TITLES: Readonly<Record<PoolerKind, string>> = {
  pgbouncer: "PgBouncer",
  supavisor: "Supavisor",
  neon: "Neon's pooler",
  "rds-proxy": "RDS Proxy",
  pgcat: "PgCat",
  pgdog: "PgDog",
  odyssey: "Odyssey",
  none: "Postgres",
};

/** Every pooler kind, for validation and messages. */
export const POOLER_KINDS: readonly PoolerKind[] = [
  "pgbouncer",
  "supavisor",
  "neon",
  "rds-proxy",
  "pgcat",
  "pgdog",
  "odyssey",
  "none",
];

/** Every pool mode, for validation and messages. */
export const POOL_MODES: readonly PoolMode[] = ["session", "transaction", "statement"];

/** Run by their makers, in one version at a time that nobody is told. */
const WITHOUT_VERSION: ReadonlySet<PoolerKind> = new Set([
  "supavisor",
  "neon",
  "rds-proxy",
  "none",
]);

/** A pooler in the words of a message, such as `PgBouncer 1.18`. Never decides anything. */
export function titleOfPooler(pooler: {
  readonly kind: PoolerKind;
  readonly version?: string | undefined;
}): string {
  const title = TITLES[pooler.kind];
  if (WITHOUT_VERSION.has(pooler.kind)) return title;
  return pooler.version === undefined
    ? `${title} of unknown version`
    : `${title} ${pooler.version}`;
}

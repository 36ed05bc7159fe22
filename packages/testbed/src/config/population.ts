/** Whom and what a fresh cluster gets. */
export interface Population {
  /** Owner of the databases. */
  readonly owner: string;
  /** Login roles → password or verifier. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly databases: readonly string[];
}

/**
 * Statements, one by one and in order, that make roles and databases. The owner is what a service's
 * role is in production: it may do everything in its databases, and row-level security applies to it.
 */
export function populationSql({ owner, secrets, databases }: Population): string[] {
  return [
    ...Object.entries(secrets).map(
      ([role, secret]) => `CREATE ROLE "${role}" LOGIN PASSWORD ${literal(secret)}`,
    ),
    `ALTER ROLE "${owner}" CREATEDB CREATEROLE`,
    `GRANT pg_monitor, pg_signal_backend TO "${owner}"`,
    ...databases.map((database) => `CREATE DATABASE "${database}" OWNER "${owner}"`),
  ];
}

/** A string constant of SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

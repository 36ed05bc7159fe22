import { PolicyError, refuseAsOptions } from "@doorpolicy/core";

import type { DataSourceLikeOptions, PostgresOptions } from "./options.ts";

/** Other drivers of TypeORM that speak to a Postgres, or nearly so, by other ways than node-postgres. */
const HINTS: Readonly<Record<string, string>> = {
  "aurora-postgres":
    'Use `type: "postgres"` with the cluster\'s endpoint; the Data API needs no pooler.',
  cockroachdb: "Leave the policy out; CockroachDB is not behind a Postgres pooler.",
};

/**
 * The options, known to go through node-postgres. Anything else is a `PolicyError`
 * `options/refused`: a policy that silently does nothing is worse than none. A policy in their place
 * is a `policy/invalid`.
 */
export function postgresOptions(options: DataSourceLikeOptions): PostgresOptions {
  refuseAsOptions(options);
  if (isPostgres(options)) return options;
  const type = String(options.type);
  throw new PolicyError(
    "options/refused",
    `A DataSource of type "${type}" does not connect through node-postgres, so the policy cannot hold for it.`,
    { path: "type", hint: HINTS[type] ?? 'Set `type: "postgres"`, or leave the policy out.' },
  );
}

function isPostgres(options: DataSourceLikeOptions): options is PostgresOptions {
  return options.type === "postgres";
}

import { TRACKED_ALWAYS } from "./pgbouncer.ts";
import { type PoolerProfile, together } from "./profile.ts";

const TRANSACTION_MODE = "docs.pgdog.dev, transaction mode: session state";

const LIMITS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];

/**
 * What PgDog can do in transaction mode; documented, not measured.
 *
 * It reads `SET` and startup parameters, `options` included, and puts the server connection right
 * before a client gets it. Left out: `tracks-parameter:…`, since nothing is said of `set_config()`, and
 * `LISTEN`, which it serves only with `pub_sub_channel_size`.
 */
export const PGDOG: PoolerProfile = {
  steps: [
    ...together(
      [...TRACKED_ALWAYS, ...LIMITS].map((name) => `accepts-startup-parameter:${name}` as const),
      { source: `${TRANSACTION_MODE}, connection parameters` },
    ),
    { capability: "transports-application-name", source: TRANSACTION_MODE },
    { capability: "parses-options", source: `${TRANSACTION_MODE}, connection parameters` },
    { capability: "parses-set", source: `${TRANSACTION_MODE}, parsing SET commands` },
    {
      capability: "tracks-named-statements",
      source: "docs.pgdog.dev, prepared statements: `extended` by default",
      when: ({ settings }) => settings.tracksNamedStatements !== false,
    },
    {
      capability: "tracks-sql-prepare",
      source:
        'docs.pgdog.dev, prepared statements: `prepared_statements = "full"`, not the default',
      when: ({ settings }) => settings.tracksSqlPrepare === true,
    },
    {
      // A client that goes away without a word leaves its lock behind (pgdogdev/pgdog#1407).
      capability: "pins-session-locks",
      source: 'docs.pgdog.dev: `query_parser = "session_control_and_locks"`, not the default',
      when: ({ settings }) => settings.pinsSessionLocks === true,
    },
  ],
};

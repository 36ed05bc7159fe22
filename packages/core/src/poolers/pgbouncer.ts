import type { PoolerSettings } from "../policy.ts";
import { type Deployment, followed, type PoolerProfile } from "./profile.ts";

const MEASURED =
  "measured: startup packets through 1.18.0, 1.24.1 and 1.26.1, default configuration";

/** Followed for every client. */
export const TRACKED_ALWAYS: readonly string[] = [
  "application_name",
  "client_encoding",
  "DateStyle",
  "standard_conforming_strings",
  "TimeZone",
];

/**
 * What PgBouncer can do, by version (1.15 to 1.26) and settings.
 *
 * Left out on purpose: `search_path`, which 1.26 accepts at startup and, on Postgres 17 and older,
 * then gives to other clients (measured; its NEWS 1.26.1 says so); `session_authorization`, which
 * 1.26 applies; limits under `track_extra_parameters`, which are accepted and not applied before
 * 1.26 and not followed after it, since Postgres does not report them.
 */
export const PGBOUNCER: PoolerProfile = {
  hasIgnoreList: true,
  steps: [
    {
      capability: "refuses-other-startup-parameters",
      source: `${MEASURED}: unsupported startup parameter`,
    },
    ...TRACKED_ALWAYS.flatMap((name) => followed(name, { source: MEASURED })),
    ...followed("IntervalStyle", {
      since: "1.20",
      source: "NEWS 1.20: track_extra_parameters, by default IntervalStyle",
      when: tracks("IntervalStyle", true),
    }),
    ...followed("IntervalStyle", { since: "1.26", source: "NEWS 1.26: all that Postgres reports" }),
    ...followed("default_transaction_read_only", {
      since: "1.20",
      source: "NEWS 1.20: track_extra_parameters; reported by Postgres 14 and later",
      when: tracks("default_transaction_read_only", false),
    }),
    ...followed("default_transaction_read_only", {
      since: "1.26",
      source: "NEWS 1.26: all that Postgres reports",
    }),
    {
      capability: "transports-application-name",
      source: "measured with 1.18.0, 1.24.1 and 1.26.1: pg_stat_activity shows it",
    },
    {
      capability: "safe-cancel",
      since: "1.19.1",
      source: "pgbouncer/pgbouncer#846; 1.18.0 died of it once in three tries (measured)",
    },
    {
      capability: "parses-options",
      since: "1.20",
      source: "NEWS 1.20; 1.18 refuses `options` as a whole (measured)",
    },
    {
      capability: "tracks-named-statements",
      since: "1.21",
      source: "NEWS 1.21: max_prepared_statements, 0 by default",
      when: ({ settings }) => (settings.maxPreparedStatements ?? 0) > 0,
    },
    {
      capability: "tracks-named-statements",
      since: "1.24",
      source: "NEWS 1.24: max_prepared_statements, 200 by default",
      when: hasNamedStatements,
    },
    {
      // Before 1.22, and without tracking, it drops what other clients have prepared.
      capability: "tracks-deallocate-all",
      since: "1.22",
      source: "NEWS 1.22; with 1.18 other clients' statements fail with 26000 (measured)",
      when: ({ settings }) => (settings.maxPreparedStatements ?? 0) > 0,
    },
    {
      capability: "tracks-deallocate-all",
      since: "1.24",
      source: "NEWS 1.22, and 1.24: max_prepared_statements, 200 by default",
      when: hasNamedStatements,
    },
    {
      capability: "resets-session-state",
      source: "measured with 1.18.0, 1.24.1 and 1.26.1: server_reset_query_always",
      when: ({ settings }) => settings.resetsSessionState === true,
    },
    {
      capability: "accepts-pipelined-handshake",
      since: "1.18",
      source:
        "SCRAM with 1.18.0 and 1.24.1, 5 round trips become 3 (measured); older ones not tried",
    },
    {
      capability: "keeps-empty-name",
      since: "1.22",
      source: "NEWS 1.22; before it an unnamed client shows its predecessor's name (measured)",
    },
    {
      capability: "replication",
      since: "1.23",
      source: "NEWS 1.23; 1.18 refuses it (measured)",
    },
    {
      capability: "accepts-startup-parameter:replication",
      since: "1.23",
      source: "NEWS 1.23; 1.18 refuses it (measured)",
    },
    {
      capability: "announces-itself",
      since: "1.26",
      source: "NEWS 1.26: pgbouncer.version, .pool_mode and .max_prepared_statements at login",
    },
  ],
};

function hasNamedStatements({ settings }: Deployment): boolean {
  return (settings.maxPreparedStatements ?? 200) > 0;
}

function tracks(name: string, byDefault: boolean): ({ settings }: Deployment) => boolean {
  return ({ settings: { trackExtraParameters: names } }: { settings: PoolerSettings }) =>
    names?.some((one) => one.toLowerCase() === name.toLowerCase()) ?? byDefault;
}

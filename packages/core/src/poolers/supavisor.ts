import type { PoolerProfile } from "./profile.ts";

/**
 * What Supabase's pooler can do in transaction mode; documented, not measured.
 *
 * Left out: every parameter. Which ones it follows is not stated, and `application_name` is dropped
 * outside of session mode (`db_handler.ex`), so that `pg_stat_activity` shows Supavisor itself.
 */
export const SUPAVISOR: PoolerProfile = {
  steps: [
    {
      capability: "transports-application-name",
      source: "supavisor `db_handler.ex`: only supported in session mode",
      when: ({ mode }) => mode === "session",
    },
    {
      capability: "tracks-named-statements",
      source: "supavisor: feature flag `named_prepared_statements`, off by default",
      when: ({ settings }) => settings.tracksNamedStatements === true,
    },
    {
      capability: "safe-cancel",
      source: "supavisor `cancel.ex`: a cancel key of its own, sent on to Postgres",
    },
  ],
};

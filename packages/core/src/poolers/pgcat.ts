import { TRACKED_ALWAYS } from "./pgbouncer.ts";
import { followed, type PoolerProfile } from "./profile.ts";

/**
 * What PgCat can do in transaction mode; documented, not measured.
 *
 * Left out: `resets-session-state`. Its clean-up goes by the tags of commands (`SET`, `PREPARE`,
 * `DECLARE`), so that locks, `LISTEN`, temporary objects and `set_config()` stay for the next client.
 */
export const PGCAT: PoolerProfile = {
  steps: [
    ...TRACKED_ALWAYS.flatMap((name) =>
      followed(name, { source: "pgcat `server.rs`: the parameters that are kept in step" }),
    ),
    {
      capability: "transports-application-name",
      source: "pgcat `server.rs`: the parameters that are kept in step",
    },
    {
      capability: "ignores-other-startup-parameters",
      source: "pgcat `server.rs`: what is not kept in step is taken and not looked at",
    },
    {
      capability: "tracks-named-statements",
      source: "pgcat: `prepared_statements_cache_size`, 0 by default",
      when: ({ settings }) => (settings.maxPreparedStatements ?? 0) > 0,
    },
  ],
};

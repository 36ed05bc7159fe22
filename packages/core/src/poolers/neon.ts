import { TRACKED_ALWAYS } from "./pgbouncer.ts";
import { followed, type PoolerProfile } from "./profile.ts";

const INSIDE = "neon.com, connection pooling: PgBouncer in transaction mode";

/**
 * What the pooled endpoint of Neon can do: a PgBouncer of a version that Neon does not state, with its
 * own configuration and behind a proxy of its own. Documented, not measured.
 *
 * Left out: what depends on the version (`announces-itself`, `keeps-empty-name`) or on the proxy in
 * front of it (`safe-cancel`, `accepts-pipelined-handshake`).
 */
export const NEON: PoolerProfile = {
  steps: [
    ...TRACKED_ALWAYS.flatMap((name) => followed(name, { source: INSIDE })),
    { capability: "transports-application-name", source: INSIDE },
    {
      capability: "refuses-other-startup-parameters",
      source: "neondatabase/neon#6291: `unsupported startup parameter in options: …`",
    },
    {
      capability: "parses-options",
      // The wording is that of PgBouncer 1.20 and later.
      source: "neondatabase/neon#6291: `unsupported startup parameter in options: …`",
    },
    {
      capability: "tracks-named-statements",
      source: "neon.com, connection pooling: max_prepared_statements 1000",
      when: ({ settings }) => settings.tracksNamedStatements !== false,
    },
  ],
};

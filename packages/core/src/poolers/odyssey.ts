import { TRACKED_ALWAYS } from "./pgbouncer.ts";
import { type Deployment, followed, type PoolerProfile, together } from "./profile.ts";

const MEASURED = "measured with 1.5.2 in transaction mode";

/**
 * What Odyssey can do in transaction mode.
 *
 * Its `DISCARD ALL` between clients is on by default: what a statement leaves behind is lost and not
 * leaked. With `pool_discard no` everything leaks, `TimeZone` and `application_name` included, and it
 * follows nothing (measured).
 *
 * What it accepts at startup it applies, and gives to no other client (measured, two clients on one server
 * connection). Left out on purpose: `role`, which it applies as well: a right is not trusted to one observation.
 */
export const ODYSSEY: PoolerProfile = {
  steps: [
    {
      capability: "resets-session-state",
      source: "odyssey, rules: `pool_discard yes`, the default",
      when: resets,
    },
    ...TRACKED_ALWAYS.flatMap((name) =>
      followed(name, {
        source: "odyssey, rules: `maintain_params yes`, the default",
        when: resets,
      }),
    ),
    {
      capability: "transports-application-name",
      source: "odyssey, rules: `maintain_params yes`, the default",
      when: resets,
    },
    ...together(
      [
        "parses-options",
        "accepts-startup-parameter:statement_timeout",
        "accepts-startup-parameter:lock_timeout",
        "accepts-startup-parameter:idle_in_transaction_session_timeout",
        "accepts-startup-parameter:work_mem",
        "accepts-startup-parameter:default_transaction_isolation",
        "accepts-startup-parameter:search_path",
      ],
      { since: "1.5.2", source: `${MEASURED}: accepted and applied`, when: resets },
    ),
    ...together(
      [
        "ignores-startup-parameter:IntervalStyle",
        "ignores-startup-parameter:jit",
        "ignores-startup-parameter:extra_float_digits",
        "ignores-startup-parameter:session_authorization",
      ],
      { source: `${MEASURED}: accepted and silently dropped` },
    ),
    {
      capability: "tracks-named-statements",
      since: "1.5.2",
      source: `${MEASURED}: \`pool_reserve_prepared_statement yes\`, not the default`,
      when: ({ settings }) => settings.tracksNamedStatements === true,
    },
  ],
};

/** Odyssey does not start with both `pool_discard` and `pool_reserve_prepared_statement` in transaction mode. */
function resets({ settings }: Deployment): boolean {
  return settings.resetsSessionState ?? settings.tracksNamedStatements !== true;
}

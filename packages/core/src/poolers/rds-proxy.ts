import { type PoolerProfile, together } from "./profile.ts";

/**
 * What RDS Proxy does for PostgreSQL; documented, not measured.
 *
 * It multiplexes by transaction until a statement would leave something behind; then the server
 * connection is the client's own until it disconnects. Nothing leaks, and the pooling is lost. What a
 * function or a procedure does inside is not seen, and does leak. Transaction-level advisory locks do
 * not pin; `ON COMMIT DROP` does not help, any temporary object pins.
 *
 * Left out: `safe-cancel` ("doesn't currently support canceling a query"), `parses-options` (it refuses
 * command-line options), every parameter (which ones it follows is not stated).
 */
export const RDS_PROXY: PoolerProfile = {
  steps: [
    ...together(
      [
        "pins-on-set",
        "pins-on-prepare",
        "pins-on-temp",
        "pins-on-cursor",
        "pins-on-listen",
        "pins-on-lock",
        "pins-on-load",
        "pins-on-sequence",
        "pins-on-discard",
        "pins-on-long-statement",
      ],
      { source: "AWS, rds-proxy-pinning: conditions for all engines and for PostgreSQL" },
    ),
    {
      capability: "tracks-named-statements",
      // The pinning list names only those of SQL since the end of 2023; before it every Parse pinned.
      source: "brianc/node-postgres#2326: users' reports; said where a team has seen it",
      when: ({ settings }) => settings.tracksNamedStatements === true,
    },
  ],
};

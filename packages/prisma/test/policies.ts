import { definePolicy, type Policy, type ResolvedPolicy, resolvePolicy } from "@doorpolicy/core";

/** The name of every connection in these tests. */
export const NAME = "billing:deploy@web-1";

/** A policy that no machine has a part in: enforced, behind a PgBouncer of unknown version. */
export function policyOf(policy: Policy = {}): ResolvedPolicy {
  return resolvePolicy(
    definePolicy({
      mode: "enforce",
      naming: { app: "billing", user: "deploy", host: "web-1" },
      targets: {
        main: {
          pooler: { kind: "pgbouncer" },
          pooled: "postgresql://u:secret@policy:6432/db?pgbouncer=true",
        },
      },
      ...policy,
    }),
    {
      environment: {},
      identity: { hostName: "web-1.example.org", processId: 7 },
      today: "2026-01-01",
    },
  );
}

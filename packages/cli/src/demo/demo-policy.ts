import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";

/** What the demo's services are told about the pooler that was started for them. */
export interface DemoPooler {
  readonly version: string;
  readonly mode: "transaction";
}

/**
 * The policy of the demo: what `recommended` says, enforced, with an idle limit short enough to be
 * seen within the demo. A service of your own starts from 5 s.
 */
export function demoPolicy(
  app: string,
  pooler: DemoPooler,
  onViolation: (violation: Violation) => void,
): Policy {
  return definePolicy({
    extends: "recommended",
    mode: "enforce",
    targets: { main: { pooler: { kind: "pgbouncer", ...pooler } } },
    naming: { app },
    transaction: { idleTimeoutMs: 1_000 },
    onViolation,
  });
}

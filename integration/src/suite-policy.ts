import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import type { RunningServer } from "./running-server.ts";
import { poolerPolicy } from "./server.ts";

/** The name that {@link suitePolicy} gives to every connection. */
export const SUITE_NAME = "conformance:suite@here";

/**
 * The policy of the suite: enforced, with limits short enough to watch and long enough for a busy
 * machine. A scenario's own policy goes on top.
 */
export function suitePolicy(
  server: Pick<RunningServer, "spec" | "url" | "directUrl">,
  violations: Violation[],
  own: Policy,
): Policy {
  const suite = definePolicy({
    extends: "recommended",
    mode: "enforce",
    targets: {
      main: {
        pooler: poolerPolicy(server.spec),
        pooled: server.url,
        direct: server.directUrl,
      },
    },
    naming: { app: "conformance", user: "suite", host: "here" },
    connections: { maxPerProcess: 10 },
    onViolation: (violation) => void violations.push(violation),
  });
  return definePolicy({ extends: [suite, own] });
}

import type { Signature } from "../fault.ts";
import type { PoolerFault } from "./pooler.ts";
import type { ServerFault } from "./server.ts";

const PGDOG = { from: "pooler", source: "pgdog net/messages/error_response.rs" } as const;
/** Its own errors that have no answer of their own travel as `system_error`, with their text. */
const SYSTEM = {
  from: "pooler",
  codes: ["58000"],
  source: "pgdog backend/pool/error.rs, backend/error.rs, frontend/error.rs",
} as const;

/** PgDog's own words. Its faults of sharding are the statement's own, and are not explained. */
export function pgdogSignatures(): readonly Signature<PoolerFault | ServerFault>[] {
  return [
    { ...SYSTEM, kind: "pooler.queue-timeout", text: /^(?:replica )?checkout timeout$/ },
    {
      ...SYSTEM,
      kind: "pooler.server-unreachable",
      text: /^(?:connection pool for user ".*" and database ".*" is down|all replicas down|no (?:primary|replicas|databases|cluster connected)|pool is (?:banned|shut down|not healthy)|manual ban|connect timeout|server error|healthcheck (?:timeout|error)|initial health check has not been successfully performed|replica lag|cluster (?:start timeout|not connected)|server not connected|could not resolve to any address for hostname .*)$/,
    },
    { ...SYSTEM, kind: "server.unknown-database", text: /^no such user\/database: / },
    { ...SYSTEM, kind: "server.connection-failure", text: /^(?:server closed|read timeout)$/ },
    {
      ...SYSTEM,
      kind: "pooler.internal-error",
      text: /^(?:protocol is out of sync|server connection is not synchronized|rollback left server in inconsistent state)$/,
    },
    {
      ...SYSTEM,
      kind: "pooler.misconfigured",
      text: /^(?:TLS connection required but server does not support TLS|unsupported authentication algorithm)$/,
    },
    {
      ...PGDOG,
      kind: "pooler.idle-transaction-timeout",
      codes: ["57P05"],
      text: /^disconnecting idle in transaction client$/,
    },
    { ...SYSTEM, kind: "pooler.query-timeout", text: /^query timeout$/ },
    {
      ...PGDOG,
      kind: "pooler.client-idle-timeout",
      codes: ["57P05"],
      text: /^disconnecting idle client$/,
    },
    { ...PGDOG, kind: "pooler.login-timeout", codes: ["57P05"], text: /^client login timeout$/ },
    { ...PGDOG, kind: "pooler.shutting-down", codes: ["57P01"], text: /^PgDog is shutting down$/ },
    {
      ...PGDOG,
      kind: "pooler.statement-mode",
      codes: ["58000"],
      text: /^transaction control statements are not supported in statement pooler mode$/,
    },
  ];
}

import type { Signature } from "../fault.ts";
import type { PoolerFault } from "./pooler.ts";

const PGBOUNCER = { from: "pooler", codes: ["08P01"] } as const;
const SUPAVISOR = {
  from: "pooler",
  codes: ["XX000"],
  source: "supavisor lib/supavisor/errors",
} as const;
const ODYSSEY = { from: "pooler", source: "odyssey sources/frontend.c" } as const;
const RDS = { from: "pooler", source: "AWS documentation, rds-proxy.troubleshooting" } as const;

/**
 * Recognised by text and SQLSTATE together. PgBouncer says nearly everything with 08P01 and names no
 * routine; read in its sources 1.15 to 1.26, the commoner ones measured on 1.18, 1.24 and 1.26.
 */
export function poolerSignatures(): readonly Signature<PoolerFault>[] {
  return [
    {
      ...PGBOUNCER,
      kind: "pooler.client-limit",
      text: /^no more connections allowed \(max_client_conn\)$/,
      source: "pgbouncer client.c",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.client-limit",
      text: /^client connections exceeded \(max_(?:db|user)_client_connections\)$/,
      source: "pgbouncer client.c, 1.24",
    },
    {
      ...SUPAVISOR,
      kind: "pooler.client-limit",
      text: /^\((?:EMAXCONN|EMAXCONNSESSION|EMAXPOOLSREACHED)\) /,
    },
    {
      ...SUPAVISOR,
      kind: "pooler.client-limit",
      text: /^(?:Max client connections reached|MaxClientsInSessionMode: )/,
    },
    {
      ...ODYSSEY,
      kind: "pooler.client-limit",
      codes: ["53300"],
      text: /^odyssey: (?:\w+: )?too many (?:client )?tcp connections \(/,
    },
    {
      ...RDS,
      kind: "pooler.client-limit",
      text: /^The maximum number of client connections to the proxy exceeded /,
    },

    {
      ...PGBOUNCER,
      kind: "pooler.queue-timeout",
      text: /^query_wait_timeout$/,
      source: "pgbouncer janitor.c; measured",
    },
    // With the underscore it is said to clients that still wait in the queue; "query timeout" to running ones.
    {
      ...PGBOUNCER,
      kind: "pooler.queue-timeout",
      text: /^query_timeout$/,
      source: "pgbouncer janitor.c",
    },
    { ...SUPAVISOR, kind: "pooler.queue-timeout", text: /^\(ECHECKOUTTIMEOUT\) / },
    {
      ...ODYSSEY,
      kind: "pooler.queue-timeout",
      codes: ["53300"],
      text: /^odyssey: (?:\w+: )?too many active clients for user \(pool_size for user /,
    },
    {
      from: "pooler",
      kind: "pooler.queue-timeout",
      codes: ["58000"],
      text: /^(?:could not get connection from the pool - |checkout failure limit reached \()/,
      source: "pgcat client.rs",
    },
    {
      ...RDS,
      kind: "pooler.queue-timeout",
      codes: ["08000"],
      text: /^Timed-out waiting to acquire database connection\.?$/,
    },

    // disconnect_client() cuts its text at 127 bytes, so "(server_login_retry)" may be missing.
    {
      ...PGBOUNCER,
      kind: "pooler.server-unreachable",
      text: /^server login has been failing, (?:try again later|cached error: )/,
      source: "pgbouncer objects.c; measured",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.server-unreachable",
      text: /^(?:client_login_timeout \(server down\)|server DNS lookup failed|connect failed|connect timeout|login failed)$/,
      source: "pgbouncer janitor.c, objects.c, server.c",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.server-unreachable",
      text: /^(?:cannot connect|pgbouncer cannot connect to server)$/,
      source: "pgbouncer objects.c, 1.15",
    },
    {
      ...SUPAVISOR,
      kind: "pooler.server-unreachable",
      text: /^\((?:ECHECKOUTRETRIES|ECHECKOUTFAILED|EPOOLCHECKOUT|ESUBSCRIBERETRIES|EAUTHQUERY|EPROXYSTARTFAILED|EPROXYSUPERVISORUNAVAILABLE|EWORKERNOTFOUND|EPOOLRANCHNOTFOUND|EJITREQUESTFAILED)\) /,
    },
    {
      ...ODYSSEY,
      kind: "pooler.server-unreachable",
      codes: ["08006"],
      text: /^odyssey: (?:\w+: )?(?:failed to get remote server connection$|failed to connect to remote server |can't find suitable host for tsa |replication lag too big \()/,
    },
    {
      from: "pooler",
      kind: "pooler.server-unreachable",
      codes: ["58000"],
      text: /^Pool down for database: /,
      source: "pgcat client.rs",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.unsupported-startup-parameter",
      text: /^unsupported startup parameter(?: in options)?: (?<name>.+)$/,
      source: "pgbouncer client.c; measured",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.unsupported-startup-parameter",
      text: /^unsupported options startup parameter: only '-c config=val' (?:is|and '--config=val' are) allowed$/,
      source: "pgbouncer client.c, 1.20",
    },
    {
      ...RDS,
      kind: "pooler.unsupported-startup-parameter",
      codes: ["0A000"],
      text: /^Feature not supported: RDS Proxy currently doesn['’]t support (?:command-line options|streaming replication mode|the option (?<name>[^ ]+?))\.?$/,
    },
    {
      ...PGBOUNCER,
      kind: "pooler.unsupported-startup-parameter",
      text: /^unsupported options startup parameter: parameter too long$/,
      source: "pgbouncer client.c, 1.21",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.invalid-parameter",
      text: /^invalid server parameter$/,
      source: "pgbouncer server.c; measured",
    },

    {
      ...PGBOUNCER,
      kind: "pooler.idle-transaction-timeout",
      text: /^idle transaction timeout$/,
      source: "pgbouncer janitor.c; measured",
    },
    {
      from: "pooler",
      kind: "pooler.idle-transaction-timeout",
      codes: ["58000"],
      text: /^idle transaction timeout$/,
      source: "pgcat client.rs",
    },
    {
      ...ODYSSEY,
      kind: "pooler.idle-transaction-timeout",
      codes: ["08006"],
      text: /^odyssey: (?:\w+: )?Odyssey has dropped the connection$/,
      detail: /^Connection was dropped by Odyssey due to idle in transaction timeout$/,
    },
    {
      ...PGBOUNCER,
      kind: "pooler.transaction-timeout",
      text: /^transaction timeout$/,
      source: "pgbouncer janitor.c, 1.25; measured",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.query-timeout",
      text: /^query timeout$/,
      source: "pgbouncer janitor.c; measured",
    },
    {
      from: "pooler",
      kind: "pooler.query-timeout",
      codes: ["58000"],
      text: /^pool statement timeout$/,
      source: "pgcat client.rs",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.client-idle-timeout",
      text: /^client_idle_timeout$/,
      source: "pgbouncer janitor.c; measured",
    },
    {
      ...ODYSSEY,
      kind: "pooler.client-idle-timeout",
      codes: ["08006"],
      text: /^odyssey: (?:\w+: )?Odyssey has dropped the connection$/,
      detail: /^Connection was dropped by Odyssey due to idle timeout$/,
    },
    {
      ...PGBOUNCER,
      kind: "pooler.login-timeout",
      text: /^client_login_timeout$/,
      source: "pgbouncer janitor.c",
    },
    { ...SUPAVISOR, kind: "pooler.login-timeout", codes: ["08006"], text: /^\(EAUTHTIMEOUT\) / },
    {
      ...PGBOUNCER,
      kind: "pooler.shutting-down",
      text: /^(?:pooler is shutting down|server shutting down)$/,
      source: "pgbouncer objects.c, janitor.c",
    },
    {
      ...ODYSSEY,
      kind: "pooler.shutting-down",
      codes: ["08006"],
      text: /^odyssey: (?:\w+: )?Odyssey is gracefully shutting down$/,
    },
    {
      from: "pooler",
      kind: "pooler.shutting-down",
      codes: ["58000"],
      text: /^terminating connection due to administrator command$/,
      source: "pgcat client.rs",
    },
    // SUSPEND says suspend_timeout to clients whose statement runs, too (janitor.c, per_loop_suspend).
    {
      ...PGBOUNCER,
      kind: "pooler.disconnected",
      text: /^(?:admin forced disconnect|suspend_timeout|server lifetime over|server_lifetime|server idle timeout|pause mode|database configuration changed|connect string changed|obsolete connection|too many servers in the pool|evicted|close_needed)$/,
      source: "pgbouncer admin.c, janitor.c, objects.c",
    },
    {
      ...ODYSSEY,
      kind: "pooler.disconnected",
      codes: ["08006"],
      text: /^odyssey: (?:\w+: )?Odyssey has dropped the connection$/,
      symptom: true,
    },
    { ...SUPAVISOR, kind: "pooler.disconnected", text: /^\(EPOOLTERMINATING\) / },

    {
      ...PGBOUNCER,
      kind: "pooler.database-disabled",
      text: /^(?:(?:authentication )?database ".*" is disabled|database does not allow connections: .*)$/,
      source: "pgbouncer objects.c, client.c",
    },
    { ...SUPAVISOR, kind: "pooler.database-disabled", text: /^\(EBANNED\) / },
    {
      ...PGBOUNCER,
      kind: "pooler.misconfigured",
      text: /^(?:bouncer config error|bouncer resources exhaustion|no authentication method is found|auth_ldap_options is null|ldap is not supported by this build)$/,
      source: "pgbouncer client.c",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.misconfigured",
      text: /^server login failed: (?:wrong password type|invalid server signature|failed to verify server signature|none of the server's SASL authentication mechanisms are supported)$/,
      source: "pgbouncer server.c, scram.c",
    },
    {
      ...SUPAVISOR,
      kind: "pooler.misconfigured",
      text: /^\((?:EAUTHSECRETS|EMULTIPLEUSERS|EPOOLCONFIGNOTFOUND)\) /,
    },
    {
      ...ODYSSEY,
      kind: "pooler.misconfigured",
      codes: ["58000"],
      text: /^odyssey: (?:\w+: )?client routing failed$/,
    },
    {
      ...ODYSSEY,
      kind: "pooler.misconfigured",
      codes: ["28000"],
      text: /^odyssey: (?:\w+: )?(?:frontend auth: )?(?:failed to make auth query|invalid user password or SCRAM secret, check your config)$/,
    },
    {
      ...PGBOUNCER,
      kind: "pooler.internal-error",
      text: /^(?:out of memory|no memory for (?:authentication )?pool|pause (?:cancel request )?failed|(?:result prepare|failed to (?:prepare|send) welcome message)(?: failed)?)$/,
      source: "pgbouncer client.c, objects.c, util.c",
    },
    {
      ...SUPAVISOR,
      kind: "pooler.internal-error",
      text: /^Internal error \(\w+\): /,
      source: "supavisor lib/supavisor/client_handler/error.ex",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.protocol-violation",
      text: /^(?:bad packet header: '.*'|broken (?:Bind|Close|Describe|Parse) packet|client (?:password pkt before startup packet|re-sent startup pkt|sent partial pkt in startup phase)|failed to parse packet|invalid startup packet layout: expected terminator as last byte|received unencrypted data after (?:SSL|GSSAPI encryption) request|unknown pkt)$/,
      source: "pgbouncer client.c, prepare.c",
    },
    {
      ...SUPAVISOR,
      kind: "pooler.protocol-violation",
      codes: ["08P01"],
      text: /^\((?:EAUTHPROTOCOL|ESTARTUPMESSAGE|ESTARTUPPACKETTOOLARGE)\) /,
    },
    {
      ...ODYSSEY,
      kind: "pooler.protocol-violation",
      codes: ["08P01"],
      text: /^odyssey: (?:\w+: )?(?:bad password message|unexpected message type from client or other protocol violation)$/,
    },
    { ...SUPAVISOR, kind: "pooler.too-many-logins", text: /^\(ECIRCUITBREAKER\) / },
    {
      ...RDS,
      kind: "pooler.too-many-logins",
      text: /^(?:Rate of connection to proxy exceeded |The IAM authentication failed because of too many competing requests)/,
    },

    {
      ...PGBOUNCER,
      kind: "pooler.statement-mode",
      text: /^transaction blocks not allowed in statement pooling mode$/,
      source: "pgbouncer server.c; measured on 1.26",
    },
    {
      ...PGBOUNCER,
      kind: "pooler.simple-query-refused",
      text: /^PQexec disallowed$/,
      source: "pgbouncer client.c (disable_pqexec)",
    },
    { ...SUPAVISOR, kind: "pooler.simple-query-refused", text: /^\(EPSSIMPLEQUERY\) / },
    {
      from: "pooler",
      kind: "pooler.admin-console",
      codes: ["08P01"],
      text: /^extended query protocol not supported by admin console$/,
      source: "pgbouncer admin.c; measured",
    },
  ];
}

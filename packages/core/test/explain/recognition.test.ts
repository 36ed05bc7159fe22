import { describe, expect, test } from "vitest";

import { explainError } from "../../src/explain/explain-error.ts";
import type { KnownFault } from "../../src/explain/explanation.ts";
import { chainOf, facesOf } from "../../src/explain/face.ts";
import { knownFaults } from "../../src/explain/faults.ts";
import { matches } from "../../src/explain/match.ts";
import {
  answer,
  fromNode,
  fromServer,
  onOpenConnection,
  prisma,
  prismaAnswer,
  typeorm,
} from "./errors.ts";

const { faults, signatures } = knownFaults();

type Row = readonly [code: string, text: string, kind: KnownFault, detail?: string];

/** As the wire carries them, without a routine. */
const poolers: Readonly<Record<string, readonly Row[]>> = {
  PgBouncer: [
    ["08P01", "no more connections allowed (max_client_conn)", "pooler.client-limit"],
    ["08P01", "client connections exceeded (max_db_client_connections)", "pooler.client-limit"],
    ["08P01", "client connections exceeded (max_user_client_connections)", "pooler.client-limit"],
    ["08P01", "query_wait_timeout", "pooler.queue-timeout"],
    ["08P01", "query_timeout", "pooler.queue-timeout"],
    ["08P01", "query timeout", "pooler.query-timeout"],
    ["08P01", "suspend_timeout", "pooler.disconnected"],
    [
      "08P01",
      "server login has been failing, try again later (server_login_retry)",
      "pooler.server-unreachable",
    ],
    [
      "08P01",
      "server login has been failing, cached error: connect failed (server_login_retry)",
      "pooler.server-unreachable",
    ],
    [
      "08P01",
      "server login has been failing, cached error: Datenbank »app« existiert nicht und",
      "pooler.server-unreachable",
    ],
    ["08P01", "client_login_timeout (server down)", "pooler.server-unreachable"],
    ["08P01", "server DNS lookup failed", "pooler.server-unreachable"],
    ["08P01", "connect timeout", "pooler.server-unreachable"],
    [
      "08P01",
      "unsupported startup parameter: statement_timeout",
      "pooler.unsupported-startup-parameter",
    ],
    [
      "08P01",
      "unsupported startup parameter in options: search_path",
      "pooler.unsupported-startup-parameter",
    ],
    [
      "08P01",
      "unsupported options startup parameter: only '-c config=val' is allowed",
      "pooler.unsupported-startup-parameter",
    ],
    [
      "08P01",
      "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed",
      "pooler.unsupported-startup-parameter",
    ],
    ["08P01", "invalid server parameter", "pooler.invalid-parameter"],
    ["08P01", "idle transaction timeout", "pooler.idle-transaction-timeout"],
    ["08P01", "transaction timeout", "pooler.transaction-timeout"],
    ["08P01", "client_idle_timeout", "pooler.client-idle-timeout"],
    ["08P01", "client_login_timeout", "pooler.login-timeout"],
    ["08P01", "pooler is shutting down", "pooler.shutting-down"],
    ["08P01", "server shutting down", "pooler.shutting-down"],
    ["08P01", "admin forced disconnect", "pooler.disconnected"],
    ["08P01", "database configuration changed", "pooler.disconnected"],
    ["08P01", 'database "app" is disabled', "pooler.database-disabled"],
    ["08P01", "bouncer config error", "pooler.misconfigured"],
    ["08P01", "transaction blocks not allowed in statement pooling mode", "pooler.statement-mode"],
    ["08P01", "PQexec disallowed", "pooler.simple-query-refused"],
    ["08P01", "extended query protocol not supported by admin console", "pooler.admin-console"],
    ["08P01", "server conn crashed?", "server.terminated"],
    ["08P01", "no such database: nodb", "server.unknown-database"],
    ["08P01", 'database "nosuchdb" does not exist', "server.unknown-database"],
    ["08P01", "password authentication failed", "auth.failed"],
    ["08P01", "SASL authentication failed", "auth.failed"],
    ["08P01", '"trust" authentication failed', "auth.failed"],
    ["08P01", "no such user", "auth.failed"],
    ["08P01", "empty password returned by client", "auth.no-password"],
    [
      "08P01",
      "client selected an invalid SASL authentication mechanism",
      "auth.unsupported-method",
    ],
    ["08P01", "SSL required", "tls.required"],
    ["08P01", "prepared statement did not exist", "statement.deallocated"],
    ["08P01", "prepared statement name is already in use", "statement.name-in-use"],
    ["08P01", "cannot connect", "pooler.server-unreachable"],
    [
      "08P01",
      "unsupported options startup parameter: parameter too long",
      "pooler.unsupported-startup-parameter",
    ],
    ["08P01", "server_lifetime", "pooler.disconnected"],
    ["08P01", "database does not allow connections: app", "pooler.database-disabled"],
    ["08P01", "server login failed: wrong password type", "pooler.misconfigured"],
    ["08P01", "out of memory", "pooler.internal-error"],
    ["08P01", "result prepare failed", "pooler.internal-error"],
    ["08P01", "bad packet header: '48540d0a'", "pooler.protocol-violation"],
    ["08P01", "broken Bind packet", "pooler.protocol-violation"],
    ["08P01", "broken ParameterStatus packet", "server.connection-failure"],
    ["08P01", "username too long", "auth.failed"],
  ],
  Supavisor: [
    ["XX000", "(EMAXCONN) max client connections reached, limit: 200", "pooler.client-limit"],
    [
      "XX000",
      "(EMAXCONNSESSION) max clients reached in session mode - max clients are limited to pool_size: 15",
      "pooler.client-limit",
    ],
    ["XX000", "Max client connections reached", "pooler.client-limit"],
    ["XX000", "MaxClientsInSessionMode: max clients reached", "pooler.client-limit"],
    [
      "XX000",
      "(ECHECKOUTTIMEOUT) unable to check out connection from the pool after 60000ms in Transaction mode",
      "pooler.queue-timeout",
    ],
    [
      "XX000",
      "(ECHECKOUTRETRIES) failed to check out a connection after multiple retries",
      "pooler.server-unreachable",
    ],
    ["08006", "(EAUTHTIMEOUT) timeout while waiting for message", "pooler.login-timeout"],
    ["XX000", "(EPOOLTERMINATING) pool terminating: gone", "pooler.disconnected"],
    ["XX000", "(EBANNED) tenant is banned: unpaid", "pooler.database-disabled"],
    [
      "XX000",
      "(EMULTIPLEUSERS) multiple users matched for postgres.x, check tenant configuration",
      "pooler.misconfigured",
    ],
    ["XX000", "(ECIRCUITBREAKER) Too many authentication errors", "pooler.too-many-logins"],
    [
      "XX000",
      "(EPSSIMPLEQUERY) transaction mode only supports prepared statements using the Extended Query Protocol",
      "pooler.simple-query-refused",
    ],
    [
      "XX000",
      "(EDBHANDLEREXITED) DbHandler exited. Check logs for more information",
      "server.terminated",
    ],
    ["XX000", "DbHandler exited. Check logs for more information", "server.terminated"],
    ["XX000", "(ENOTFOUND) tenant/user postgres.abc not found", "server.unknown-database"],
    ["XX000", "Tenant or user not found", "server.unknown-database"],
    ["XX000", "(EADDRNOTALLOWED) address not in tenant allow_list: {10, 0, 0, 1}", "auth.failed"],
    ["28P01", 'password authentication failed for user "postgres"', "auth.failed"],
    ["XX000", "(ESSLREQUIRED) SSL connection is required for user: postgres", "tls.required"],
    ["08006", "(ESSLHANDSHAKE) SSL handshake failed: :closed", "tls.failed"],
    [
      "XX000",
      "(EMAXPREPARED) max prepared statements limit reached. Limit: 200 per connection",
      "statement.prepared-limit",
    ],
    ["42P05", '(EPREPAREDDUP) prepared statement "s0" already exists', "statement.named-untracked"],
    [
      "26000",
      '(EPREPAREDNOTFOUND) prepared statement "s0" does not exist',
      "statement.named-untracked",
    ],
    [
      "XX000",
      '(EJITREQUESTFAILED) failed to reach JIT provider for user "app"',
      "pooler.server-unreachable",
    ],
    ["XX000", "Internal error (authenticated): :closed", "pooler.internal-error"],
    [
      "08P01",
      "(EAUTHPROTOCOL) protocol violation during authentication",
      "pooler.protocol-violation",
    ],
  ],
  Odyssey: [
    [
      "53300",
      "odyssey: c1f00ba: too many tcp connections (global client_max 100)",
      "pooler.client-limit",
    ],
    [
      "53300",
      "odyssey: c1f00ba: too many client tcp connections (client_max for user app.app 10)",
      "pooler.client-limit",
    ],
    [
      "53300",
      "odyssey: too many active clients for user (pool_size for user app.app reached 1)",
      "pooler.queue-timeout",
    ],
    [
      "08006",
      "odyssey: c1f00ba: failed to get remote server connection",
      "pooler.server-unreachable",
    ],
    [
      "08006",
      "odyssey: c1f00ba: failed to connect to remote server s99",
      "pooler.server-unreachable",
    ],
    [
      "08006",
      "odyssey: c1f00ba: Odyssey has dropped the connection",
      "pooler.idle-transaction-timeout",
      "Connection was dropped by Odyssey due to idle in transaction timeout",
    ],
    [
      "08006",
      "odyssey: c1f00ba: Odyssey has dropped the connection",
      "pooler.client-idle-timeout",
      "Connection was dropped by Odyssey due to idle timeout",
    ],
    ["08006", "odyssey: c1f00ba: Odyssey has dropped the connection", "pooler.disconnected"],
    ["08006", "odyssey: c1f00ba: Odyssey is gracefully shutting down", "pooler.shutting-down"],
    [
      "08006",
      "odyssey: c1f00ba: remote server read/write error s99: Connection reset by peer",
      "server.connection-failure",
    ],
    ["08006", "odyssey: c1f00ba: something new", "server.connection-failure"],
    ["58000", "odyssey: c1f00ba: client routing failed", "pooler.misconfigured"],
    ["3D000", "odyssey: c1f00ba: route for 'nodb.app' is not found", "server.unknown-database"],
    ["28P01", "odyssey: c1f00ba: incorrect user", "auth.failed"],
    [
      "58000",
      'odyssey: c1f00ba: ldap authentication failed for user "app": Invalid credentials (49)',
      "auth.failed",
    ],
    [
      "08006",
      "odyssey: c1f00ba: replication lag too big (9 seconds), connection rejected: app app",
      "pooler.server-unreachable",
    ],
    ["28000", "odyssey: c1f00ba: frontend auth: failed to make auth query", "pooler.misconfigured"],
    ["08P01", "odyssey: c1f00ba: bad password message", "pooler.protocol-violation"],
    [
      "0A000",
      "odyssey: c1f00ba: frontend auth: doesn't support channel binding at the moment",
      "auth.unsupported-method",
    ],
    ["28000", "odyssey: c1f00ba: TLS connection required", "tls.required"],
    ["08P01", "odyssey: c1f00ba: SSL is required", "tls.required"],
  ],
  PgCat: [
    ["58000", "could not get connection from the pool - AllServersDown", "pooler.queue-timeout"],
    ["58000", 'Pool down for database: "app", user: "app"', "pooler.server-unreachable"],
    ["58000", "idle transaction timeout", "pooler.idle-transaction-timeout"],
    ["58000", "terminating connection due to administrator command", "pooler.shutting-down"],
    ["58000", 'No pool configured for database: "nodb", user: "app"', "server.unknown-database"],
    ["58000", 'prepared statement "s0" does not exist', "statement.named-untracked"],
    ["58000", "prepared statement `s0` not found", "statement.named-untracked"],
    [
      "58000",
      'error receiving data from server: SocketError("Error reading")',
      "server.connection-failure",
    ],
    ["58000", "pool statement timeout", "pooler.query-timeout"],
  ],
  PgDog: [
    ["58000", "healthcheck timeout", "pooler.server-unreachable"],
    ["58000", 'no such user/database: "app" "nodb"', "server.unknown-database"],
    ["58000", "server closed", "server.connection-failure"],
    ["58000", "protocol is out of sync", "pooler.internal-error"],
    ["58000", "TLS connection required but server does not support TLS", "pooler.misconfigured"],

    ["58000", "checkout timeout", "pooler.queue-timeout"],
    [
      "58000",
      'connection pool for user "app" and database "app" is down',
      "pooler.server-unreachable",
    ],
    ["58000", "query timeout", "pooler.query-timeout"],
    ["57P05", "disconnecting idle in transaction client", "pooler.idle-transaction-timeout"],
    ["57P05", "disconnecting idle client", "pooler.client-idle-timeout"],
    ["57P05", "client login timeout", "pooler.login-timeout"],
    ["57P01", "PgDog is shutting down", "pooler.shutting-down"],
    [
      "58000",
      "transaction control statements are not supported in statement pooler mode",
      "pooler.statement-mode",
    ],
    [
      "28000",
      'password for user "app" and database "app" is wrong, or the database does not exist',
      "auth.failed",
    ],
    ["08004", "only TLS connections are allowed", "tls.required"],
  ],
  Neon: [
    [
      "XX000",
      "unsupported startup parameter in options: search_path. Please use unpooled connection or remove this parameter from the startup package. More details: https://neon.tech/docs/connect/connection-errors#unsupported-startup-parameter",
      "pooler.unsupported-startup-parameter",
    ],
    ["XX000", "Couldn't connect to compute node", "pooler.server-unreachable"],
    ["XX000", "Control plane request failed", "pooler.server-unreachable"],
    [
      "XX000",
      "Failed to acquire permit to connect to the database. Too many database connection attempts are currently ongoing.",
      "pooler.too-many-logins",
    ],
    [
      "XX000",
      "Too many connections to this endpoint. Please try again later.",
      "pooler.too-many-logins",
    ],
    ["XX000", "Too many connections attempts", "pooler.too-many-logins"],
    ["XX000", "Authentication timed out", "pooler.login-timeout"],
    ["XX000", "Control plane request failed: endpoint is disabled", "pooler.database-disabled"],
    [
      "XX000",
      "Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits.",
      "pooler.database-disabled",
    ],
    [
      "XX000",
      "Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for SNI support",
      "server.unknown-database",
    ],
    [
      "XX000",
      "The requested endpoint could not be found, or you don't have access to it. Please check the provided ID and try again.",
      "server.unknown-database",
    ],
    ["XX000", "password authentication failed for user 'app'", "auth.failed"],
    [
      "XX000",
      "This IP address 10.0.0.1 is not allowed to connect to this endpoint. Please add it to the allowed list in the Neon console.",
      "auth.failed",
    ],
    ["XX000", "connection is insecure (try using `sslmode=require`)", "tls.required"],
    ["57P01", "terminating connection due to administrator command", "server.terminated"],
  ],
  "RDS Proxy": [
    [
      "0A000",
      "Feature not supported: RDS Proxy currently doesn’t support command-line options.",
      "pooler.unsupported-startup-parameter",
    ],
    [
      "0A000",
      "Feature not supported: RDS Proxy currently doesn't support the option statement_timeout.",
      "pooler.unsupported-startup-parameter",
    ],
    ["08000", "Timed-out waiting to acquire database connection.", "pooler.queue-timeout"],
    [
      "53300",
      "The maximum number of client connections to the proxy exceeded 1000.",
      "pooler.client-limit",
    ],
    ["08004", "Rate of connection to proxy exceeded 100.", "pooler.too-many-logins"],
    ["28000", "This RDS Proxy requires TLS connections", "tls.required"],
    [
      "28P01",
      "This RDS proxy has no credentials for the role app. Check the credentials for this role and try again.",
      "auth.failed",
    ],
    ["28000", "RDS supports only IAM, MD5, or SCRAM authentication.", "auth.unsupported-method"],
  ],
};

/** By SQLSTATE: the text is what a German server says, or nothing that anybody would look for. */
const servers: readonly (readonly [code: string, kind: KnownFault, routine?: string])[] = [
  ["57P01", "server.terminated"],
  ["57P02", "server.terminated"],
  ["57P03", "server.unavailable"],
  ["57P04", "server.unknown-database"],
  ["57P05", "server.idle-session-timeout"],
  ["53300", "server.connection-limit"],
  ["53100", "server.out-of-resources"],
  ["53200", "server.out-of-resources"],
  ["3D000", "server.unknown-database", "InitPostgres"],
  ["57014", "server.statement-cancelled"],
  ["55P03", "server.lock-timeout"],
  ["25P03", "server.idle-transaction-timeout"],
  ["25P04", "server.transaction-timeout"],
  ["40001", "server.serialization-failure"],
  ["40P01", "server.deadlock"],
  ["25P02", "server.transaction-aborted"],
  ["25006", "server.read-only"],
  ["28P01", "auth.failed"],
  ["28000", "auth.failed"],
  ["26000", "statement.named-untracked"],
  ["42P05", "statement.named-untracked"],
  ["34000", "statement.cursor-lost"],
  ["42P03", "statement.cursor-lost"],
  ["25P01", "statement.needs-block"],
  ["25001", "statement.needs-autocommit"],
];

/** Errors of this process, as the driver, node and the ORMs make them. */
const clients: readonly (readonly [title: string, error: Error, kind: KnownFault])[] = [
  ...(
    [
      ["timeout exceeded when trying to connect", "driver.acquire-timeout"],
      ["Connection terminated due to connection timeout", "driver.connect-timeout"],
      ["timeout expired", "driver.connect-timeout"],
      ["Query read timeout", "driver.query-timeout"],
      ["Client has encountered a connection error and is not queryable", "driver.not-queryable"],
      ["Client was closed and is not queryable", "driver.not-queryable"],
      [
        "Client has encountered a connection error and is not queryable: the statement was not sent. What came last: x.",
        "driver.not-queryable",
      ],
      ["Cannot use a pool after calling end on the pool", "driver.pool-ended"],
      ["Called end on pool more than once", "driver.pool-ended"],
      [
        "Release called on client which has already been released to the pool.",
        "driver.double-release",
      ],
      ["Client has already been connected. You cannot reuse a client.", "driver.reused-client"],
      ["Received unexpected commandComplete message from backend.", "driver.out-of-step"],
      ["Connection terminated unexpectedly", "network.lost"],
      ["Connection terminated", "network.lost"],
      ["The server does not support SSL connections", "tls.unsupported"],
      ["There was an error establishing an SSL connection", "tls.failed"],
      ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string", "auth.no-password"],
      ["Password must be a string", "auth.no-password"],
      ["SASL: Only mechanism SCRAM-SHA-256 is currently supported", "auth.unsupported-method"],
      ["SASL: Only mechanism(s) SCRAM-SHA-256 are supported", "auth.unsupported-method"],
      ["SASL: SCRAM-SERVER-FINAL-MESSAGE: server signature does not match", "auth.server-unproven"],
    ] as const
  ).map(([text, kind]) => [text, new Error(text), kind] as const),
  ...(
    [
      ["ECONNREFUSED", "network.refused"],
      ["ENOTFOUND", "network.dns"],
      ["EAI_AGAIN", "network.dns"],
      ["EHOSTUNREACH", "network.unreachable"],
      ["EACCES", "network.unreachable"],
      ["ETIMEDOUT", "network.timeout"],
      ["ERR_SOCKET_CONNECTION_TIMEOUT", "network.timeout"],
      ["ECONNRESET", "network.lost"],
      ["EPIPE", "network.lost"],
      ["ERR_STREAM_DESTROYED", "network.lost"],
      ["EADDRNOTAVAIL", "network.no-local-port"],
      ["EMFILE", "network.no-descriptor"],
      ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls.self-signed"],
      ["SELF_SIGNED_CERT_IN_CHAIN", "tls.self-signed"],
      ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls.unknown-issuer"],
      ["ERR_TLS_CERT_ALTNAME_INVALID", "tls.wrong-host"],
      ["CERT_HAS_EXPIRED", "tls.expired"],
      ["EPROTO", "tls.failed"],
    ] as const
  ).map(([code, kind]) => [code, fromNode(code), kind] as const),
  ["EHOSTUNREACH of an open connection", onOpenConnection("EHOSTUNREACH"), "network.timeout"],
  [
    "ENOENT of a Unix socket",
    fromNode("ENOENT", "connect ENOENT /run/pg/.s.PGSQL.6432"),
    "network.refused",
  ],
  ["P1000", prisma("P1000", "Authentication failed against database server"), "auth.failed"],
  ["P1001", prisma("P1001", "Can't reach database server at `db`:`5432`"), "network.unreachable"],
  ["P1003", prisma("P1003", "Database `x` does not exist"), "server.unknown-database"],
  ["P1008", prisma("P1008", "Operation has timed out"), "network.timeout"],
  ["P1011", prisma("P1011", "Error opening a TLS connection"), "tls.failed"],
  ["P1017", prisma("P1017", "Server has closed the connection."), "network.lost"],
  [
    "P2024",
    prisma("P2024", "Timed out fetching a new connection from the connection pool."),
    "driver.acquire-timeout",
  ],
  [
    "P2034",
    prisma("P2034", "Transaction failed due to a write conflict or a deadlock."),
    "server.serialization-failure",
  ],
  ["P2037", prisma("P2037", "Too many database connections opened"), "server.connection-limit"],
  [
    "P2028 at the start",
    prisma("P2028", "Transaction API error: Unable to start a transaction in the given time."),
    "orm.transaction-not-started",
  ],
  [
    "P2028 after the limit",
    prisma(
      "P2028",
      "Transaction API error: A query cannot be executed on an expired transaction. The timeout for this transaction was 5000 ms, however 5672 ms passed since the start of the transaction.",
    ),
    "orm.transaction-expired",
  ],
  [
    "P2028 after the limit, of an engine",
    prisma(
      "P2028",
      "Transaction API error: Transaction already closed: A commit cannot be executed on an expired transaction. The timeout for this transaction was 5000 ms",
    ),
    "orm.transaction-expired",
  ],
  [
    "P2028 after the end",
    prisma(
      "P2028",
      "Transaction API error: Transaction already closed: A query cannot be executed on a committed transaction.",
    ),
    "orm.transaction-closed",
  ],
  ...(
    [
      ["self-signed certificate in certificate chain", "tls.self-signed"],
      ["self signed certificate", "tls.self-signed"],
      ["unable to verify the first certificate", "tls.unknown-issuer"],
      [
        "unable to get local issuer certificate; if the root CA is installed locally, try running Node.js with --use-system-ca",
        "tls.unknown-issuer",
      ],
      [
        "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: ",
        "tls.wrong-host",
      ],
      ["certificate has expired", "tls.expired"],
      ["The server does not support SSL connections", "tls.unsupported"],
      ["certificate revoked", "tls.failed"],
    ] as const
  ).map(
    ([reason, kind]) =>
      [
        `TlsConnectionError: ${reason}`,
        prisma("P1011", `Error opening a TLS connection: ${reason}`, {
          kind: "TlsConnectionError",
          reason,
        }),
        kind,
      ] as const,
  ),
  ...["QueryRunnerAlreadyReleasedError", "QueryRunnerProviderAlreadyReleasedError"].map(
    (name) =>
      [
        name,
        Object.assign(new Error("already released"), { name }),
        "orm.connection-released",
      ] as const,
  ),
  [
    "TransactionNotStartedError",
    Object.assign(new Error("Transaction is not started yet"), {
      name: "TransactionNotStartedError",
    }),
    "orm.transaction-closed",
  ],
  [
    "0A000 of RevalidateCachedQuery",
    fromServer("0A000", "geänderter Ergebnistyp", "RevalidateCachedQuery"),
    "statement.cached-plan",
  ],
  [
    "0A000 through Prisma, which drops the routine",
    prismaAnswer("0A000", "cached plan must not change result type", "ERROR"),
    "statement.cached-plan",
  ],
  [
    "26000 of a name that PgBouncer gave",
    fromServer(
      "26000",
      "vorbereitete Anweisung »PGBOUNCER_6« existiert nicht",
      "FetchPreparedStatement",
    ),
    "statement.deallocated",
  ],
];

for (const [pooler, rows] of Object.entries(poolers)) {
  describe(`${pooler}, through pg, TypeORM and Prisma`, () => {
    for (const [code, text, kind, detail] of rows) {
      test(`${code} ${text}${detail === undefined ? "" : ` (${detail})`}`, () => {
        const error = answer(code, text, detail === undefined ? {} : { detail });

        const kinds = [error, typeorm(error), prismaAnswer(code, text, "FATAL", detail)].map(
          (each) => explainError(each)?.kind,
        );

        expect(kinds).toEqual([kind, kind, kind]);
      });
    }
  });
}

describe("PostgreSQL, whatever its language, through pg, TypeORM and Prisma", () => {
  for (const [code, kind, routine] of servers) {
    test(code, () => {
      const text = "ein Text, den niemand liest: query_wait_timeout";

      const kinds = [
        fromServer(code, text, routine),
        typeorm(fromServer(code, text, routine)),
        prismaAnswer(code, text, "FEHLER"),
      ].map((error) => explainError(error)?.kind);

      expect(kinds).toEqual([kind, kind, kind]);
    });
  }
});

describe("node, pg and the ORMs themselves", () => {
  for (const [title, error, kind] of clients) {
    test(title, () => {
      expect(explainError(error)?.kind).toBe(kind);
    });
  }
});

describe("the table of signatures", () => {
  const errors = [
    ...Object.values(poolers)
      .flat()
      .map(([code, text, , detail]) => answer(code, text, detail === undefined ? {} : { detail })),
    ...servers.map(([code, , routine]) => fromServer(code, "", routine)),
    ...clients.map(([, error]) => error),
  ];

  test("holds none that no row above needs", () => {
    const faces = errors.flatMap((error) => chainOf(error).flatMap(facesOf));

    const idle = signatures.filter(
      (signature) =>
        !faces.some((face) => signatures.find((each) => matches(each, face)) === signature),
    );

    expect(idle.map(({ kind, text, codes }) => ({ kind, text, codes }))).toEqual([]);
  });

  test("recognises every fault that has words, and says where each was learnt", () => {
    expect(new Set(signatures.map(({ kind }) => kind))).toEqual(new Set(Object.keys(faults)));
    for (const { source } of signatures) expect(source).not.toBe("");
  });

  test("matches no text that only ends like one of the rows above", () => {
    const texts = errors
      .flatMap((error) => chainOf(error).flatMap(facesOf))
      .map(({ text }) => text);

    const loose = signatures
      .filter(({ from, text }) => from !== "server" && text !== undefined)
      .filter(({ text }) => texts.some((each) => text?.test(`x ${each}`)));

    expect(loose.map(({ text }) => text)).toEqual([]);
  });

  test("speaks in sentences: what happened, then one thing to do", () => {
    const imperative =
      /^(?:Add|Await|Check|Close|Connect|Correct|End|Find|Free|Give|Leave|Let|Look|Lower|Make|Move|Put|Read|Release|Remove|Renew|Replace|Run|Send|Set|Shorten|Split|Take|Wait)\b.*\.$/;

    const odd = Object.entries(faults).filter(
      ([, { sentence, hint }]) => !/^[`A-Z].*\.$/.test(sentence) || !imperative.test(hint),
    );

    expect(odd).toEqual([]);
  });
});

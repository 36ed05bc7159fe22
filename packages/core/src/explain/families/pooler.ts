import type { Fault } from "../fault.ts";

/** What a pooler says about itself, its queue and its limits. */
export type PoolerFault =
  | "pooler.client-limit"
  | "pooler.queue-timeout"
  | "pooler.server-unreachable"
  | "pooler.unsupported-startup-parameter"
  | "pooler.invalid-parameter"
  | "pooler.idle-transaction-timeout"
  | "pooler.transaction-timeout"
  | "pooler.query-timeout"
  | "pooler.client-idle-timeout"
  | "pooler.login-timeout"
  | "pooler.shutting-down"
  | "pooler.disconnected"
  | "pooler.database-disabled"
  | "pooler.misconfigured"
  | "pooler.internal-error"
  | "pooler.protocol-violation"
  | "pooler.too-many-logins"
  | "pooler.statement-mode"
  | "pooler.simple-query-refused"
  | "pooler.admin-console";

/** What is said about each. */
export function poolerFaults(): Readonly<Record<PoolerFault, Fault>> {
  return {
    "pooler.client-limit": {
      retryable: "yes",
      sentence:
        "The pooler refused the connection, because as many clients as it allows are connected.",
      hint: "Lower `connections.maxPerProcess` until instances times that number fits the pooler's limit, and close connections that nobody is using.",
    },
    "pooler.queue-timeout": {
      retryable: "yes",
      sentence:
        "The statement waited in the pooler for a free server connection until the pooler gave up; it never reached the database.",
      hint: "Find who holds the server connections (`SHOW SERVERS` and `pg_stat_activity`), and shorten their transactions before you raise the pool size.",
    },
    "pooler.server-unreachable": {
      retryable: "yes",
      sentence: "The pooler is up, but cannot log in to the database behind it.",
      hint: "Check the database and its address in the pooler's configuration; retry for longer than the pooler's `server_login_retry` (15 s by default).",
    },
    "pooler.unsupported-startup-parameter": {
      retryable: "no",
      sentence:
        "The startup packet carries a setting that the pooler does not accept, so it refuses every connection.",
      sentenceAbout: (name) =>
        `\`${name}\` goes out in the startup packet, and the pooler refuses every connection that carries it.`,
      hint: "Move limits into the policy's `transaction` part or into `ALTER ROLE … SET`; `ignore_startup_parameters` would only drop them in silence.",
    },
    "pooler.invalid-parameter": {
      retryable: "no",
      sentence:
        "The database did not accept a value that the pooler replays for this client, such as TimeZone or client_encoding, and the connection was closed.",
      hint: "Correct the value in the connection's options, its URL or the environment (PGTZ, PGCLIENTENCODING, PGDATESTYLE).",
    },
    "pooler.idle-transaction-timeout": {
      retryable: "whole-transaction",
      sentence:
        "A transaction was left open without a statement for longer than the pooler allows; the pooler rolled it back and closed the connection.",
      hint: "Move slow work (HTTP calls, files, waiting for a lock) out of the transaction, and end every transaction that is begun.",
    },
    "pooler.transaction-timeout": {
      retryable: "if-not-sent",
      sentence:
        "A transaction took longer than the pooler's transaction_timeout, and the pooler closed its connection.",
      hint: "Split the transaction, or run it over the direct lane.",
    },
    "pooler.query-timeout": {
      retryable: "if-not-sent",
      sentence:
        "A statement ran longer than the pooler's query_timeout; the pooler closed the client's and the server's connection.",
      hint: "Set `transaction.statementTimeoutMs` below the pooler's limit, so that the statement ends and the connection stays.",
    },
    "pooler.client-idle-timeout": {
      retryable: "yes",
      sentence: "The pooler closed a connection that the client kept open without using it.",
      hint: 'Set `connections.reuse` to "none", or an idle limit that is shorter than the pooler\'s.',
    },
    "pooler.login-timeout": {
      retryable: "yes",
      sentence:
        "The login took longer than the pooler allows, mostly because this process was too busy to answer.",
      hint: "Look for work that blocks the event loop, and open fewer connections at once.",
    },
    "pooler.shutting-down": {
      retryable: "yes",
      sentence:
        "The pooler is shutting down or being replaced, and takes no more work on this connection.",
      hint: "Connect again, after a pause.",
    },
    "pooler.disconnected": {
      retryable: "if-not-sent",
      sentence:
        "The pooler closed the connection, on an administrator's command or because its configuration changed.",
      hint: "Connect again; ask the pooler's log for the reason.",
    },
    "pooler.database-disabled": {
      retryable: "yes",
      sentence:
        "An administrator has disabled this database in the pooler; it takes no clients until it is enabled.",
      hint: "Run `ENABLE` on the pooler's admin console, or wait for whoever disabled it.",
    },
    "pooler.misconfigured": {
      retryable: "no",
      sentence: "The pooler cannot serve this client because of a fault in its own configuration.",
      hint: "Read the pooler's log: it names the user list, the auth query or the database entry that is wrong.",
    },
    "pooler.internal-error": {
      retryable: "if-not-sent",
      sentence:
        "The pooler ran into a fault of its own, such as a lack of memory, and closed the connection.",
      hint: "Look into the pooler's log at this moment; connect again after a pause.",
    },
    "pooler.protocol-violation": {
      retryable: "no",
      sentence:
        "The pooler could not read what the client sent as PostgreSQL's protocol, and closed the connection.",
      hint: "Check that a PostgreSQL client and nothing else writes to the connection, and that its version and the pooler's go together.",
    },
    "pooler.too-many-logins": {
      retryable: "yes",
      sentence:
        "The pooler refuses logins for a while, because too many were tried or failed within a short time.",
      hint: "Wait before the next attempt, check the password, and open connections at a lower rate.",
    },
    "pooler.statement-mode": {
      retryable: "no",
      sentence:
        "The pooler gives back the server connection after every statement and therefore refuses transactions.",
      hint: 'Set the pool mode of this database to "transaction".',
    },
    "pooler.simple-query-refused": {
      retryable: "no",
      sentence: "The pooler refuses this statement in the simple protocol.",
      hint: "Send one statement at a time with a values array, so that the driver uses the extended protocol.",
    },
    "pooler.admin-console": {
      retryable: "no",
      sentence: "The pooler's admin console takes statements without parameters only.",
      hint: "Send the command as text, without a values array.",
    },
  };
}

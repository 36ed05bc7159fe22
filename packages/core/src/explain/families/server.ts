import type { Fault, Signature } from "../fault.ts";

/** What PostgreSQL says, or a pooler in its place. */
export type ServerFault =
  | "server.terminated"
  | "server.unavailable"
  | "server.connection-limit"
  | "server.out-of-resources"
  | "server.unknown-database"
  | "server.statement-cancelled"
  | "server.lock-timeout"
  | "server.idle-transaction-timeout"
  | "server.transaction-timeout"
  | "server.idle-session-timeout"
  | "server.serialization-failure"
  | "server.deadlock"
  | "server.transaction-aborted"
  | "server.read-only"
  | "server.connection-failure";

/** What is said about each. */
export function serverFaults(): Readonly<Record<ServerFault, Fault>> {
  return {
    "server.terminated": {
      retryable: "if-not-sent",
      sentence:
        "The server process behind the connection was ended (restart, failover, an administrator, a suspended compute, or a crash), and an open transaction with it.",
      hint: "Connect again after a pause; look for the reason in the database's log, not in the pooler's.",
    },
    "server.unavailable": {
      retryable: "yes",
      sentence:
        "The database is starting up, recovering or shutting down, and takes no connections yet.",
      hint: "Connect again, after a pause.",
    },
    "server.connection-limit": {
      retryable: "yes",
      sentence:
        "The database has no free connection slot for this role, so the connection was refused.",
      hint: "Connect through the pooler, and lower the pool sizes until their sum stays below `max_connections`.",
    },
    "server.out-of-resources": {
      retryable: "no",
      sentence:
        "The database ran out of memory, disk space or another configured limit, and gave the statement up.",
      hint: "Free space or memory on the database's machine; its log says which one is missing.",
    },
    "server.unknown-database": {
      retryable: "no",
      sentence: "Neither the pooler's configuration nor the server knows a database of this name.",
      hint: "Correct the database in the URL, or add it to the pooler's configuration.",
    },
    "server.statement-cancelled": {
      retryable: "no",
      sentence:
        "The server stopped the statement, because its statement_timeout ran out or because somebody cancelled it; an open transaction is aborted.",
      hint: "Make the statement faster, or set a higher `transaction.statementTimeoutMs` for this unit of work.",
    },
    "server.lock-timeout": {
      retryable: "whole-transaction",
      sentence:
        "Another transaction holds the lock that the statement needs, and it was not given up within lock_timeout (at once, with NOWAIT).",
      hint: "Shorten the transaction that holds the lock, or set a higher `transaction.lockTimeoutMs` for this unit of work.",
    },
    "server.idle-transaction-timeout": {
      retryable: "whole-transaction",
      sentence:
        "A transaction was left open without a statement for longer than idle_in_transaction_session_timeout; the server rolled it back and closed the connection.",
      hint: "Move slow work (HTTP calls, files, waiting for a lock) out of the transaction, and end every transaction that is begun.",
    },
    "server.transaction-timeout": {
      retryable: "whole-transaction",
      sentence:
        "A transaction took longer than transaction_timeout; the server rolled it back and closed the connection.",
      hint: "Split the transaction, or run it over the direct lane.",
    },
    "server.idle-session-timeout": {
      retryable: "yes",
      sentence: "The server closed a connection that was kept open without being used.",
      hint: 'Set `connections.reuse` to "none", or an idle limit that is shorter than the server\'s.',
    },
    "server.serialization-failure": {
      retryable: "whole-transaction",
      sentence:
        "The transaction could not be put in order with others that ran at the same time, and was rolled back; nothing of it took effect.",
      hint: "Run the whole transaction again, a bounded number of times and with a pause.",
    },
    "server.deadlock": {
      retryable: "whole-transaction",
      sentence:
        "Two transactions waited for each other's locks; the server rolled this one back so that the other could go on.",
      hint: "Take locks in the same order everywhere, and run the whole transaction again.",
    },
    "server.transaction-aborted": {
      retryable: "no",
      sentence:
        "An earlier statement of this transaction failed, and the server refuses everything until its end; a COMMIT would be a ROLLBACK.",
      hint: "Let the first error reach the end of the transaction, or put a savepoint before what may fail.",
    },
    "server.read-only": {
      retryable: "no",
      sentence:
        "The statement writes, and the transaction is read-only: a replica, a demoted primary, or a default that another client left on the connection.",
      hint: "Send writes to the primary, and set READ ONLY with BEGIN, never with SET SESSION CHARACTERISTICS.",
    },
    "server.connection-failure": {
      retryable: "if-not-sent",
      sentence:
        "The connection between the pooler and the database broke, and an open transaction with it.",
      hint: "Connect again after a pause; the pooler's log says which server was lost.",
    },
  };
}

const POSTGRES = { from: "server", source: "PostgreSQL errcodes.txt" } as const;
const PRISMA = { from: "client", symptom: true, source: "Prisma error reference" } as const;
const PGBOUNCER = { from: "pooler", codes: ["08P01"] } as const;

/** By SQLSTATE; a pooler's own text where it speaks for the server. */
export function serverSignatures(): readonly Signature<ServerFault>[] {
  return [
    { ...POSTGRES, kind: "server.terminated", codes: ["57P01", "57P02"] },
    {
      ...PGBOUNCER,
      kind: "server.terminated",
      text: /^server conn crashed\?$/,
      source: "pgbouncer server.c; measured",
    },
    {
      from: "pooler",
      kind: "server.terminated",
      codes: ["XX000"],
      text: /^\(EDBHANDLEREXITED\) |^DbHandler exited\. Check logs for more information$/,
      source: "supavisor lib/supavisor/errors",
    },
    {
      from: "pooler",
      kind: "server.connection-failure",
      codes: ["08006"],
      text: /^odyssey: (?:\w+: )?remote server (?:read\/write error |.+: readahead buffer full)/,
      source: "odyssey sources/frontend.c",
    },
    {
      from: "pooler",
      kind: "server.connection-failure",
      codes: ["58000"],
      text: /^error receiving data from server: /,
      source: "pgcat client.rs",
    },
    {
      ...PGBOUNCER,
      kind: "server.connection-failure",
      text: /^(?:bad pkt header|broken ParameterStatus packet|failed to store ParameterStatus|unknown pkt from server|var change failed|unclean server)$/,
      source: "pgbouncer server.c",
    },
    { ...POSTGRES, kind: "server.unavailable", codes: ["57P03"] },
    { ...POSTGRES, kind: "server.connection-limit", codes: ["53300"] },
    { ...POSTGRES, kind: "server.out-of-resources", codes: ["53000", "53100", "53200", "53400"] },
    { ...POSTGRES, kind: "server.unknown-database", codes: ["57P04"] },
    // Of a login. DROP DATABASE and functions say it of a name in the statement.
    {
      ...POSTGRES,
      kind: "server.unknown-database",
      codes: ["3D000"],
      routine: "InitPostgres",
    },
    // Poolers name no routine, and Prisma drops it.
    { ...POSTGRES, from: "pooler", kind: "server.unknown-database", codes: ["3D000"] },
    {
      ...PGBOUNCER,
      kind: "server.unknown-database",
      text: /^(?:no such database: .*|database ".*" does not exist)$/,
      source: "pgbouncer objects.c; measured on 1.18",
    },
    {
      from: "pooler",
      kind: "server.unknown-database",
      codes: ["58000"],
      text: /^No pool configured for database: /,
      source: "pgcat client.rs",
    },
    {
      from: "pooler",
      kind: "server.unknown-database",
      codes: ["XX000"],
      text: /^\((?:ENOTFOUND|ENOIDENTIFIER|EINVALIDUSERINFO)\) |^Tenant or user not found$/,
      source: "supavisor lib/supavisor/errors",
    },
    { ...POSTGRES, kind: "server.statement-cancelled", codes: ["57014"] },
    { ...POSTGRES, kind: "server.lock-timeout", codes: ["55P03"] },
    { ...POSTGRES, kind: "server.idle-transaction-timeout", codes: ["25P03"] },
    { ...POSTGRES, kind: "server.transaction-timeout", codes: ["25P04"] },
    { ...POSTGRES, kind: "server.idle-session-timeout", codes: ["57P05"] },
    { ...POSTGRES, kind: "server.serialization-failure", codes: ["40001"] },
    { ...POSTGRES, kind: "server.deadlock", codes: ["40P01"] },
    { ...POSTGRES, kind: "server.transaction-aborted", codes: ["25P02"] },
    { ...POSTGRES, kind: "server.read-only", codes: ["25006"] },
    // The engines of Prisma up to 6 keep no SQLSTATE for these.
    { ...PRISMA, kind: "server.unknown-database", codes: ["P1003"] },
    { ...PRISMA, kind: "server.serialization-failure", codes: ["P2034"] },
    { ...PRISMA, kind: "server.connection-limit", codes: ["P2037"] },
    // Odyssey says all that is not listed above with 08006 too. With a routine it is the connection of a dblink or of
    // a foreign table, and the one that the statement came over is fine.
    {
      ...POSTGRES,
      from: "pooler",
      kind: "server.connection-failure",
      codes: ["08000", "08003", "08006"],
      symptom: true,
    },
  ];
}

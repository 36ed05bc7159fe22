import type { Fault, Signature } from "../fault.ts";

/** What a statement ran into because the server connection under it is not its own. */
export type StatementFault =
  | "statement.named-untracked"
  | "statement.deallocated"
  | "statement.name-in-use"
  | "statement.prepared-limit"
  | "statement.cached-plan"
  | "statement.cursor-lost"
  | "statement.needs-block"
  | "statement.needs-autocommit";

/** What is said about each. */
export function statementFaults(): Readonly<Record<StatementFault, Fault>> {
  return {
    "statement.named-untracked": {
      retryable: "no",
      sentence:
        "The named statement is not on the server connection that the pooler chose this time, or somebody else's of that name is.",
      hint: "Leave out `name` (and Prisma's `statementNameGenerator`), or use PgBouncer 1.21 or newer with `max_prepared_statements` above 0.",
    },
    "statement.deallocated": {
      retryable: "no",
      sentence:
        "The pooler believes that a named statement is prepared on the server, and it is gone: some client, not necessarily this one, sent DEALLOCATE or DISCARD.",
      hint: "Remove `pgbouncer=true` and every DEALLOCATE and DISCARD from all services that share the pool.",
    },
    "statement.name-in-use": {
      retryable: "no",
      sentence:
        "The client prepared two statements under one name, and the pooler closed its connection.",
      hint: "Give every statement text its own name, or none.",
    },
    "statement.prepared-limit": {
      retryable: "no",
      sentence: "The connection has as many prepared statements as the pooler allows.",
      hint: "Leave out statement names where the text varies.",
    },
    "statement.cached-plan": {
      retryable: "no",
      sentence:
        "A table was altered after the statement had been prepared on this server connection, so its old plan is refused.",
      hint: "Run `RECONNECT` on the pooler after each migration, and leave out statement names.",
    },
    "statement.cursor-lost": {
      retryable: "no",
      sentence:
        "The cursor is not on the server connection that the pooler chose this time, or somebody else's of that name is.",
      hint: "Read a cursor inside one transaction, and never declare it WITH HOLD.",
    },
    "statement.needs-block": {
      retryable: "no",
      sentence:
        "The statement has no meaning outside a transaction, and none is open on this server connection.",
      hint: "Put the statement into `transaction()`, or into the ORM's own block.",
    },
    "statement.needs-autocommit": {
      retryable: "no",
      sentence: "The statement is not allowed at this point of an open transaction.",
      hint: "Run it outside a block, over the direct lane, or, for SET TRANSACTION, as the first statement of its block.",
    },
  };
}

const POSTGRES = { from: "server", source: "PostgreSQL errcodes.txt" } as const;
const PGBOUNCER = { from: "pooler", codes: ["08P01"] } as const;
const SUPAVISOR = {
  from: "pooler",
  codes: ["XX000"],
  source: "supavisor lib/supavisor/errors",
} as const;

/** First those that say more than the SQLSTATE they share. */
export function statementSignatures(): readonly Signature<StatementFault>[] {
  return [
    // The name that PgBouncer gave it, between whatever quotation marks the server's language has.
    {
      from: "server",
      kind: "statement.deallocated",
      codes: ["26000"],
      text: /^[^"«»„“”「」]*["«»„“”「」]\s?PGBOUNCER_\d+\s?["«»„“”「」]/,
      source: "prisma/orm#21635",
    },
    {
      ...PGBOUNCER,
      kind: "statement.deallocated",
      text: /^prepared statement did not exist$/,
      source: "pgbouncer prepare.c; measured",
    },
    {
      ...PGBOUNCER,
      kind: "statement.name-in-use",
      text: /^prepared statement name is already in use$/,
      source: "pgbouncer prepare.c; measured",
    },
    {
      ...SUPAVISOR,
      kind: "statement.prepared-limit",
      text: /^\((?:EMAXPREPARED|EMAXPREPAREDMEM)\) /,
    },
    {
      from: "pooler",
      kind: "statement.named-untracked",
      codes: ["58000"],
      text: /^prepared statement [`"].*[`"] (?:not found|does not exist|is missing)$/,
      source: "pgcat client.rs, pgdog frontend/error.rs",
    },
    { ...POSTGRES, kind: "statement.named-untracked", codes: ["26000", "42P05"] },
    // 0A000 is every unsupported feature: the routine tells this one apart, whatever the language.
    {
      from: "server",
      kind: "statement.cached-plan",
      codes: ["0A000"],
      routine: "RevalidateCachedQuery",
      source: "PostgreSQL plancache.c",
    },
    // Prisma's adapter drops the routine. The untranslated text is then all there is, and no text of a user
    // is in it; from a server that speaks another language the fault stays unexplained.
    {
      from: "server",
      kind: "statement.cached-plan",
      codes: ["0A000"],
      text: /^cached plan must not change result type$/,
      source: "PostgreSQL plancache.c",
    },
    { ...POSTGRES, kind: "statement.cursor-lost", codes: ["34000", "42P03"] },
    { ...POSTGRES, kind: "statement.needs-block", codes: ["25P01"] },
    // PostgreSQL says it of SET TRANSACTION behind a query as well; Prisma drops the routine, which tells them apart.
    { ...POSTGRES, kind: "statement.needs-autocommit", codes: ["25001"] },
  ];
}

import type { Fault, Signature } from "../fault.ts";

/** What an ORM says of its own, without the driver's reason. */
export type OrmFault =
  | "orm.transaction-not-started"
  | "orm.transaction-expired"
  | "orm.transaction-closed"
  | "orm.connection-released";

/** What is said about each. */
export function ormFaults(): Readonly<Record<OrmFault, Fault>> {
  return {
    "orm.transaction-not-started": {
      retryable: "yes",
      sentence:
        "The ORM got no connection for a transaction within its own limit (Prisma's maxWait); nothing was sent.",
      hint: "Look for connections that are held too long, and keep the acquire limit below `maxWait`.",
    },
    "orm.transaction-expired": {
      retryable: "whole-transaction",
      sentence:
        "The transaction took longer than the ORM's limit (Prisma's timeout), and was rolled back.",
      hint: "Move slow work out of the transaction, and use the transaction's own client inside it: the outer one waits for another connection.",
    },
    "orm.transaction-closed": {
      retryable: "no",
      sentence:
        "A statement or an end was sent to a transaction that had already ended, or had never begun.",
      hint: "Await every statement before the block ends, and let the first error through.",
    },
    "orm.connection-released": {
      retryable: "if-not-sent",
      sentence:
        "The ORM had already given the connection back, because it was lost in the middle or because the work was not awaited; the reason is not in this error.",
      hint: "Look for the first error of the same connection (a time-out, a restart), and await everything before the release.",
    },
  };
}

const EXPIRED =
  /^(?:Transaction API error: )?(?:Transaction already closed: )?A \w+(?: \w+)? cannot be executed on an expired transaction\./;
const PRISMA = {
  from: "client",
  codes: ["P2028"],
  source: "Prisma's transaction manager, 7.10",
} as const;

/** By Prisma's code and the names of TypeORM's error classes. All of them are what is left of another fault. */
export function ormSignatures(): readonly Signature<OrmFault>[] {
  return [
    {
      ...PRISMA,
      kind: "orm.transaction-not-started",
      text: /^(?:Transaction API error: )?Unable to start a transaction in the given time\./,
      symptom: true,
    },
    { ...PRISMA, kind: "orm.transaction-expired", text: EXPIRED, symptom: true },
    { ...PRISMA, kind: "orm.transaction-closed", symptom: true },
    {
      from: "client",
      kind: "orm.transaction-closed",
      names: ["TransactionNotStartedError"],
      symptom: true,
      source: "typeorm error/TransactionNotStartedError.js",
    },
    {
      from: "client",
      kind: "orm.connection-released",
      names: ["QueryRunnerAlreadyReleasedError", "QueryRunnerProviderAlreadyReleasedError"],
      symptom: true,
      source: "TypeORM 0.3.31 and 1.1.1, measured",
    },
  ];
}

import type { Fault, Signature } from "../fault.ts";

/** What node-postgres and its pool say by themselves. */
export type DriverFault =
  | "driver.acquire-timeout"
  | "driver.connect-timeout"
  | "driver.query-timeout"
  | "driver.not-queryable"
  | "driver.pool-ended"
  | "driver.double-release"
  | "driver.reused-client"
  | "driver.out-of-step";

/** What is said about each. */
export function driverFaults(): Readonly<Record<DriverFault, Fault>> {
  return {
    "driver.acquire-timeout": {
      retryable: "yes",
      sentence:
        "No connection of this process became free within the acquire limit; the statement was never sent.",
      hint: "Look for connections that are held too long or never released, and for a block that takes a second connection.",
    },
    "driver.connect-timeout": {
      retryable: "yes",
      sentence: "The login was not finished within the limit, and the connection was given up.",
      hint: "Check whether the pooler answers, and whether this process blocks its event loop.",
    },
    "driver.query-timeout": {
      retryable: "if-not-sent",
      sentence:
        "The driver stopped waiting (query_timeout); the statement keeps running on the server.",
      hint: "Replace `query_timeout` by `transaction.statementTimeoutMs`, which ends the statement itself.",
    },
    "driver.not-queryable": {
      retryable: "if-not-sent",
      sentence:
        "The connection had been lost or closed before this statement, which was not sent; an open transaction is gone.",
      hint: "Let the first error of the connection reach the caller, and take a new connection.",
    },
    "driver.pool-ended": {
      retryable: "no",
      sentence: "The pool has been ended, so it gives out no connections.",
      hint: "End the pool after the last unit of work, once.",
    },
    "driver.double-release": {
      retryable: "no",
      sentence:
        "A connection was given back twice; the second time it may have belonged to somebody else.",
      hint: "Release in one `finally` only.",
    },
    "driver.reused-client": {
      retryable: "no",
      sentence:
        "`connect()` was called twice on one client; a closed client cannot be opened again.",
      hint: "Make a new `Client` for each connection.",
    },
    "driver.out-of-step": {
      retryable: "if-not-sent",
      sentence:
        "The driver received an answer to nothing it had asked; the connection is out of step and unusable.",
      hint: "Close the connection, and check that statements of two callers never share one client.",
    },
  };
}

const PG = { from: "client", source: "pg client.js, 8.5 to 8.23" } as const;
const POOL = { from: "client", source: "pg-pool index.js, 3.14" } as const;

/** By text: pg gives its own errors no code, and translates nothing. */
export function driverSignatures(): readonly Signature<DriverFault>[] {
  return [
    { ...POOL, kind: "driver.acquire-timeout", text: /^timeout exceeded when trying to connect$/ },
    {
      from: "client",
      kind: "driver.acquire-timeout",
      codes: ["P2024"],
      source: "Prisma error reference; Prisma up to 6",
    },
    {
      ...POOL,
      kind: "driver.connect-timeout",
      text: /^Connection terminated due to connection timeout$/,
    },
    { ...PG, kind: "driver.connect-timeout", text: /^timeout expired$/ },
    { ...PG, kind: "driver.query-timeout", text: /^Query read timeout$/ },
    {
      ...PG,
      kind: "driver.not-queryable",
      text: /^Client (?:has encountered a connection error|was closed) and is not queryable(?:: the statement was not sent\..*)?$/s,
      symptom: true,
    },
    {
      ...POOL,
      kind: "driver.pool-ended",
      text: /^(?:Cannot use a pool after calling end on the pool|Called end on pool more than once)$/,
    },
    {
      ...POOL,
      kind: "driver.double-release",
      text: /^Release called on client which has already been released to the pool\.$/,
    },
    {
      ...PG,
      kind: "driver.reused-client",
      text: /^Client has already been connected\. You cannot reuse a client\.$/,
    },
    { ...PG, kind: "driver.out-of-step", text: /^Received unexpected \w+ message from backend\.$/ },
  ];
}

import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { PolicyError, type PolicyErrorCode } from "../../src/errors.ts";
import { explainError } from "../../src/explain/explain-error.ts";
import type { Retryable } from "../../src/explain/fault.ts";
import { answer, fromNode, fromServer, onOpenConnection, prisma, typeorm } from "./errors.ts";

const kindOf = (error: unknown): string | undefined => explainError(error)?.kind;

/** Prisma up to 6: the engine's text behind the invocation. */
function engine(name: string, message: string, more: object = {}): Error {
  const text = `\nInvalid \`prisma.user.findMany()\` invocation:\n\n\n${message}`;
  return Object.assign(new Error(text), { name, ...more });
}

describe("errors in errors", () => {
  test("an error of the application with the driver's as its cause", () => {
    const error = new Error("The invoice was not saved.", {
      cause: answer("08P01", "query_wait_timeout"),
    });

    expect(kindOf(error)).toBe("pooler.queue-timeout");
  });

  test("Drizzle's query error, whose message holds the statement", () => {
    const error = new Error("Failed query: select 'pooler is shutting down'\nparams: ", {
      cause: fromServer("40001", "x"),
    });

    expect(kindOf(error)).toBe("server.serialization-failure");
  });

  test("every address of a host refused, as node's AggregateError", () => {
    const refused = [
      fromNode("ECONNREFUSED", "connect ECONNREFUSED ::1:6432"),
      fromNode("ECONNREFUSED"),
    ];

    expect(kindOf(new AggregateError(refused))).toBe("network.refused");
    expect(kindOf(Object.assign(new AggregateError(refused), { code: "ECONNREFUSED" }))).toBe(
      "network.refused",
    );
  });

  test("an AggregateError of different faults is explained by the first that is known", () => {
    const error = new AggregateError([
      new Error("?"),
      fromNode("ENETUNREACH"),
      fromNode("ECONNREFUSED"),
    ]);

    expect(kindOf(error)).toBe("network.unreachable");
  });

  test("a reason wins over what is left of it further out", () => {
    const reason = answer("57P01", "terminating connection due to administrator command");
    const lost = new Error("Connection terminated unexpectedly", { cause: reason });
    const dead = new Error("Client has encountered a connection error and is not queryable", {
      cause: lost,
    });

    expect(kindOf(typeorm(dead))).toBe("server.terminated");
  });

  test("a reason wins over what is left of it further in", () => {
    const error = new Error("Connection terminated due to connection timeout", {
      cause: new Error("Connection terminated unexpectedly"),
    });

    expect(kindOf(error)).toBe("driver.connect-timeout");
  });

  test("a driver's fault whose outcome is unknown comes before one beside it that can be tried again", () => {
    const lost = new Error("Connection terminated unexpectedly");
    const refused = fromNode("ECONNREFUSED");
    const terminated = answer("57P01", "x");
    const waited = answer("08P01", "query_wait_timeout");

    const explanations = [
      new AggregateError([lost, refused]),
      new AggregateError([refused, new Error("Not saved.", { cause: lost })]),
      new AggregateError([waited, terminated]),
      new AggregateError([own("unit/draining"), lost]),
      new AggregateError([new AggregateError([refused, lost]), waited]),
    ].map((error) => explainError(error));

    expect(explanations).toMatchObject([
      { kind: "network.lost", retryable: "if-not-sent" },
      { kind: "network.lost", retryable: "if-not-sent" },
      { kind: "server.terminated", retryable: "if-not-sent" },
      { kind: "network.lost", retryable: "if-not-sent" },
      { kind: "network.lost", retryable: "if-not-sent" },
    ]);
  });

  test("errors beside each other that were thrown because of one and the same share its reason", () => {
    const reason = answer("08P01", "pooler is shutting down");
    const lost = (): Error => new Error("Connection terminated unexpectedly", { cause: reason });

    expect(kindOf(new AggregateError([lost(), lost()]))).toBe("pooler.shutting-down");
  });

  test("TypeORM's QueryFailedError around pg's own error", () => {
    expect(kindOf(typeorm(new Error("Query read timeout")))).toBe("driver.query-timeout");
  });
});

describe("what the system says of a connection that was open: a statement may have been sent", () => {
  for (const code of ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN"]) {
    test(code, () => {
      const error = onOpenConnection(code);
      const unmapped = Object.assign(new Error(`read ${code}`), error, {
        name: "PrismaClientKnownRequestError",
      });

      const explanations = [error, onOpenConnection(code, "write"), typeorm(error), unmapped].map(
        (each) => explainError(each),
      );

      for (const each of explanations) {
        expect(each).toMatchObject({ kind: "network.timeout", retryable: "if-not-sent" });
      }
    });
  }
});

describe("what Prisma's adapter makes of the network", () => {
  const rows = [
    [{ kind: "DatabaseNotReachable", host: "127.0.0.1", port: 6432 }, "P1001", "network.refused"],
    [{ kind: "DatabaseNotReachable", host: "/run/postgresql" }, "P1001", "network.refused"],
    [{ kind: "DatabaseNotReachable", host: "db.internal" }, "P1001", "network.dns"],
    // node names no address where the connection had been open.
    [{ kind: "DatabaseNotReachable" }, "P1001", "network.timeout"],
    [{ kind: "ConnectionClosed" }, "P1017", "network.lost"],
    [{ kind: "SocketTimeout" }, "P1008", "network.timeout"],
  ] as const;

  for (const [cause, code, kind] of rows) {
    test(JSON.stringify(cause), () => {
      expect(kindOf(prisma(code, "…", cause))).toBe(kind);
    });
  }

  test("an error of the adapter that Prisma passes on bare", () => {
    const cause = { kind: "TransactionWriteConflict", originalCode: "40P01", originalMessage: "x" };
    const error = Object.assign(new Error("TransactionWriteConflict", { cause }), {
      name: "DriverAdapterError",
    });

    expect(kindOf(error)).toBe("server.deadlock");
  });
});

describe("what Prisma's engines up to 6 print", () => {
  test("a refused login, without its SQLSTATE (prisma#21531)", () => {
    const error = engine(
      "PrismaClientInitializationError",
      "Error querying the database: FATAL: unsupported startup parameter: search_path",
    );

    expect(explainError(error)).toMatchObject({
      kind: "pooler.unsupported-startup-parameter",
      sentence: expect.stringContaining("`search_path`"),
    });
  });

  test("a refused login of an old PgBouncer, which said ERROR (prisma#10841)", () => {
    const error = engine(
      "PrismaClientInitializationError",
      "Error querying the database: db error: ERROR: unsupported startup parameter: options",
    );

    expect(kindOf(error)).toBe("pooler.unsupported-startup-parameter");
  });

  test("an unmapped SQLSTATE, in Rust's own notation", () => {
    const error = engine(
      "PrismaClientUnknownRequestError",
      String.raw`Error occurred during query execution:
ConnectorError(ConnectorError { user_facing_error: None, kind: QueryError(PostgresError { code: "26000", message: "prepared statement \"s0\" does not exist", severity: "ERROR", detail: None, column: None, hint: None }), transient: false })`,
    );

    expect(kindOf(error)).toBe("statement.named-untracked");
  });

  test("a text of a pooler that holds quotation marks, in Rust's own notation", () => {
    const error = engine(
      "PrismaClientUnknownRequestError",
      String.raw`Error occurred during query execution:
ConnectorError(ConnectorError { user_facing_error: None, kind: QueryError(PostgresError { code: "08P01", message: "database \"app\" is disabled", severity: "FATAL", detail: None, column: None, hint: None }), transient: false })`,
    );

    expect(kindOf(error)).toBe("pooler.database-disabled");
  });

  test("a raw query, with the SQLSTATE in `meta`", () => {
    const error = engine("PrismaClientKnownRequestError", "Raw query failed. Code: `08P01`.", {
      code: "P2010",
      meta: { code: "08P01", message: "db error: FATAL: query_wait_timeout" },
    });

    expect(kindOf(error)).toBe("pooler.queue-timeout");
  });

  test("a database that is not reached, with `errorCode`", () => {
    const error = engine(
      "PrismaClientInitializationError",
      "Can't reach database server at `db:5432`",
      {
        errorCode: "P1001",
      },
    );

    expect(kindOf(error)).toBe("network.unreachable");
  });
});

/** "yes" stands beside what is refused before anything is sent, and beside nothing else. */
const RETRYABLE: Readonly<Record<PolicyErrorCode, Retryable>> = {
  "policy/invalid": "no",
  "policy/unknown-target": "no",
  "policy/missing-url": "no",
  "policy/timeout-chain": "no",
  "url/unsupported": "no",
  "naming/invalid": "no",
  "startup/refused": "no",
  "driver/missing": "no",
  "driver/native": "no",
  "driver/second-copy": "no",
  "driver/unsupported": "no",
  "options/refused": "no",
  "connection/acquire-timeout": "yes",
  "connection/pool-ended": "no",
  "connection/released": "no",
  "connection/reclaimed": "no",
  "transaction/ended-by-policy": "whole-transaction",
  "transaction/ended-by-server": "whole-transaction",
  "transaction/rolled-back-at-commit": "no",
  "transaction/no-raw-control": "no",
  "transaction/second-target": "no",
  "transaction/ended": "no",
  "transaction/aborted": "no",
  "transaction/isolation-too-strong": "no",
  "transaction/no-second-connection": "yes",
  "transaction/outcome-unknown": "no",
  "statement/outcome-unknown": "no",
  "unit/unawaited-work": "no",
  "unit/stalled": "no",
  "unit/draining": "yes",
  "unit/invalid": "no",
  "unit/needs-extension": "no",
  "unit/required-setting": "no",
  "direct/invalid": "no",
  "lock/not-acquired": "yes",
  "lock/lost": "no",
  "lock/in-transaction": "no",
  "session-state/no-set": "no",
  "session-state/no-role": "no",
  "session-state/no-search-path": "no",
  "session-state/no-set-local-outside-block": "no",
  "session-state/no-session-lock": "no",
  "session-state/no-lock-outside-block": "no",
  "session-state/no-listen": "no",
  "session-state/no-temp": "no",
  "session-state/no-held-cursor": "no",
  "session-state/no-prepare": "no",
  "session-state/no-discard": "no",
  "session-state/no-load": "no",
  "session-state/no-sequence-session": "no",
  "session-state/pins-connection": "no",
  "statements/needs-autocommit": "no",
  "statements/no-named": "no",
};

/** What the guard throws, with what the driver knew as its cause. */
function own(code: PolicyErrorCode, cause: Error = fromNode("ECONNRESET")): PolicyError {
  return new PolicyError(code, "It was so.", { hint: "Do so.", cause });
}

describe("a PolicyError", () => {
  const error = new PolicyError(
    "connection/acquire-timeout",
    "All 20 connections of `main` are in use.",
    {
      hint: "Shorten the units that hold them.",
      cause: new Error("timeout exceeded when trying to connect"),
    },
  );

  test("explains itself by its code, in its own words", () => {
    expect(explainError(error)).toEqual({
      kind: "policy.connection/acquire-timeout",
      retryable: "yes",
      sentence: "All 20 connections of `main` are in use.",
      hint: "Shorten the units that hold them.",
      docs: "https://github.com/doorpolicy/doorpolicy/blob/main/docs/errors/connection/acquire-timeout.md",
    });
  });

  test("says the same through TypeORM, which puts its name in front", () => {
    const wrapped = typeorm(error);

    expect(wrapped.message).toMatch(/^PolicyError: All 20/u);
    expect(explainError(wrapped)).toEqual(explainError(error));
  });

  test("says the same through Prisma 7, which keeps its code and its text", () => {
    const wrapped = prisma(error.code, error.message);

    expect(explainError(wrapped)).toEqual(explainError(error));
    expect(explainError(new Error("Not saved.", { cause: wrapped }))).toEqual(explainError(error));
  });

  test("through Prisma 7, whose hint names a key first", () => {
    const wrapped = prisma("unit/stalled", "A holds it. B waits. `detached()` it is.");

    expect(explainError(wrapped)).toMatchObject({
      sentence: "A holds it. B waits.",
      hint: "`detached()` it is.",
    });
  });

  test("is known through Prisma 7 by any of its codes", () => {
    const kinds = Object.keys(RETRYABLE).map((code) => kindOf(prisma(code, "It was so. Do so.")));

    expect(kinds).toEqual(Object.keys(RETRYABLE).map((code) => `policy.${code}`));
  });

  test("is known by what is left of it when it was copied or sent as JSON", () => {
    const json: unknown = JSON.parse(JSON.stringify(error));
    const left = {
      kind: "policy.connection/acquire-timeout",
      retryable: "yes",
      hint: "Shorten the units that hold them.",
    };

    expect(explainError(Object.assign({}, error))).toMatchObject(left);
    expect(explainError(json)).toMatchObject(left);
    expect(explainError(new Error("Not saved.", { cause: json }))).toMatchObject(left);
    expect(explainError(json)?.sentence).toMatch(/^[`A-Z].*\.$/u);
  });

  test("with a brand and nothing else is none", () => {
    expect(explainError({ brand: error.brand })).toBeUndefined();
    expect(explainError({ brand: error.brand, code: "57P01" })?.kind).toBe("server.terminated");
  });

  test("whose outcome is known gives way to one beside it that can be repeated less", () => {
    const beside = new AggregateError([own("unit/draining"), own("transaction/ended-by-policy")]);

    expect(kindOf(beside)).toBe("policy.transaction/ended-by-policy");
  });

  test("comes before the driver's error that it carries, and through an ORM's wrapper", () => {
    expect(kindOf(typeorm(error))).toBe("policy.connection/acquire-timeout");
  });

  test("of another copy of the package is known by its brand", () => {
    const copy = Object.assign(new Error(error.message), error);

    expect(kindOf(copy)).toBe("policy.connection/acquire-timeout");
  });

  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.entries forgets what the keys are
  for (const [code, retryable] of Object.entries(RETRYABLE) as [PolicyErrorCode, Retryable][]) {
    test(`${code}: ${retryable}`, () => {
      const explanation = explainError(typeorm(own(code)));

      expect(explanation).toMatchObject({ kind: `policy.${code}`, retryable });
    });
  }

  test("whose outcome is unknown comes before one that could be tried again", () => {
    const unknown = own("transaction/outcome-unknown");
    const wrapped = own("connection/acquire-timeout", unknown);
    const beside = new AggregateError([own("unit/draining"), own("statement/outcome-unknown")]);

    expect([wrapped, beside].map(kindOf)).toEqual([
      "policy.transaction/outcome-unknown",
      "policy.statement/outcome-unknown",
    ]);
  });

  test("comes before a driver's fault that could be tried again, where its outcome is unknown", () => {
    const beside = new AggregateError([fromNode("ECONNREFUSED"), own("statement/outcome-unknown")]);

    expect(explainError(beside)?.retryable).toBe("no");
  });

  test("has a line in the table of its page, with the same word", () => {
    const page = readFileSync(
      new URL("../../../../docs/faults/policy.md", import.meta.url),
      "utf8",
    );
    const rows = page.matchAll(/^\| \[`([^`]+)`\]\(\.\.\/errors\/(.+)\.md\) +\| `([^`]+)`/gm);
    const listed = Array.from(rows, ([, code = "", linked, word]) => [code, linked, word]);
    const known = Object.entries(RETRYABLE);

    expect(listed).toEqual(
      listed.map(([code = ""]) => [code, code, Object.fromEntries(known)[code]]),
    );
    // What is not listed is "any other": `no`.
    expect(listed.map(([code]) => code)).toEqual(
      expect.arrayContaining(known.filter(([, word]) => word !== "no").map(([code]) => code)),
    );
  });
});

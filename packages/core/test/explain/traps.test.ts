import { inspect } from "node:util";
import { describe, expect, test } from "vitest";

import { explainError } from "../../src/explain/explain-error.ts";
import { answer, fromServer, prisma, prismaAnswer, typeorm } from "./errors.ts";

describe("what is not explained", () => {
  const rows: readonly (readonly [title: string, error: unknown])[] = [
    ["undefined", undefined],
    ["null", null],
    ["a string that is a pooler's text", "query_wait_timeout"],
    ["a number", 42],
    ["a plain error", new Error("Something else.")],
    ["08P01 alone", answer("08P01", "something that no table knows")],
    [
      "08P01 of PostgreSQL itself",
      fromServer(
        "08P01",
        'bind message supplies 0 parameters, but prepared statement "" requires 1',
        "exec_bind_message",
      ),
    ],
    [
      "08P01 raised by a function, with a pooler's text",
      fromServer("08P01", "query_wait_timeout", "exec_stmt_raise"),
    ],
    [
      "a unique violation whose value is a pooler's text",
      fromServer("23505", "query_wait_timeout", "_bt_check_unique"),
    ],
    [
      "an exception whose text is a pooler's",
      fromServer("P0001", "idle transaction timeout", "exec_stmt_raise"),
    ],
    [
      "the same through TypeORM",
      typeorm(fromServer("P0001", "server conn crashed?", "exec_stmt_raise")),
    ],
    ["the same through Prisma", prismaAnswer("P0001", "pooler is shutting down", "ERROR")],
    [
      "a syntax error that quotes a pooler's text",
      fromServer("42601", 'syntax error at or near "query_wait_timeout"', "scanner_yyerror"),
    ],
    ["a pooler's text in the middle of another", answer("08P01", "x: query_wait_timeout")],
    ["a pooler's text with something behind it", answer("08P01", "query_wait_timeout?")],
    ["a pooler's text on its second line", answer("08P01", "x\nquery_wait_timeout")],
    ["a pooler's text without an SQLSTATE", new Error("query_wait_timeout")],
    [
      "pg's text with the SQLSTATE of an exception",
      fromServer("P0001", "Query read timeout", "exec_stmt_raise"),
    ],
    [
      "an unsupported feature that is no cached plan",
      fromServer("0A000", "x", "transformLockingClause"),
    ],
    [
      "the lost connection of a dblink, while the statement's own is fine",
      fromServer("08003", 'connection "foo" not available', "dblink_conn_not_avail"),
    ],
    [
      "the remote server of a foreign table that is gone",
      fromServer("08006", "could not connect", "pgfdw_report_error"),
    ],
    [
      "the database that a statement names and nobody knows",
      fromServer("3D000", 'database "nope" does not exist', "dropdb"),
    ],
    [
      "a refused login of an engine, of which only its text is left, and not a known one",
      Object.assign(new Error("Error querying the database: FATAL: somebody's words"), {
        name: "PrismaClientInitializationError",
      }),
    ],
    [
      "a missing file",
      Object.assign(new Error("ENOENT: no such file or directory, open 'ca.pem'"), {
        code: "ENOENT",
      }),
    ],
    [
      "a unique violation through Prisma",
      prisma("P2002", "Unique constraint failed", {
        kind: "UniqueConstraintViolation",
        originalCode: "23505",
        originalMessage: "query_wait_timeout",
      }),
    ],
    [
      "an application's error with a kind of its own",
      Object.assign(new Error("x"), { name: "Problem", kind: "ConnectionClosed" }),
    ],
  ];

  for (const [title, error] of rows) {
    test(title, () => {
      expect(explainError(error)).toBeUndefined();
    });
  }

  test("a text that is cut where it is too long to be looked at", () => {
    const error = answer("08P01", `${"x".repeat(20_000)}query_wait_timeout`);

    expect(explainError(error)).toBeUndefined();
  });
});

describe("errors that are built to do harm", () => {
  test("a chain that turns back on itself ends", () => {
    const first: Error & { cause?: unknown } = new Error("one");
    const second = new Error("two", { cause: first });
    first.cause = second;

    expect(explainError(first)).toBeUndefined();
  });

  test("a chain without end is given up", () => {
    let reads = 0;
    const endless = (): object => ({
      get cause() {
        reads += 1;
        return endless();
      },
    });

    expect(explainError(endless())).toBeUndefined();
    expect(reads).toBeLessThan(100);
  });

  test("an AggregateError of a million members is looked at in part", () => {
    let reads = 0;
    const errors = new Proxy(Array.from({ length: 1_000_000 }), {
      get(target, key, receiver) {
        reads += 1;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });

    expect(explainError(Object.assign(new Error("x"), { errors }))).toBeUndefined();
    expect(reads).toBeLessThan(100);
  });

  test("an error that is met again takes no room from the others", () => {
    const again = new Error("x");
    const error = new AggregateError([
      ...Array.from({ length: 31 }, () => again),
      answer("57P01", "x"),
    ]);

    expect(explainError(error)?.kind).toBe("server.terminated");
  });

  test("getters that throw hide only themselves", () => {
    const error = Object.defineProperty(answer("57P01", "x"), "cause", {
      get() {
        throw new Error("no");
      },
    });

    expect(explainError(error)?.kind).toBe("server.terminated");
  });

  test("a getter that throws hides only itself, of whatever says what an error is", () => {
    const thrower = {
      get() {
        throw new Error("no");
      },
    };
    const branded = Object.defineProperty(answer("57P01", "x"), "brand", thrower);
    const errors = Object.defineProperty([undefined, answer("57P01", "x")], 0, thrower);

    expect(explainError(branded)?.kind).toBe("server.terminated");
    expect(explainError({ errors })?.kind).toBe("server.terminated");
  });

  test("the own methods of a list of errors are not called", () => {
    const errors = Object.assign([answer("57P01", "x")], {
      slice: () => {
        throw new Error("no");
      },
    });

    expect(explainError({ errors })?.kind).toBe("server.terminated");
  });

  test("a revoked proxy is passed over, wherever it stands", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    const list = Proxy.revocable([], {});
    revoke();
    list.revoke();

    expect(explainError(proxy)).toBeUndefined();
    expect(explainError(new Error("x", { cause: proxy }))).toBeUndefined();
    expect(explainError({ errors: list.proxy, meta: proxy })).toBeUndefined();
  });

  test("fields of other types than expected are as good as absent", () => {
    expect(
      explainError({ code: 57_014, message: ["x"], name: {}, meta: "x", errors: 7 }),
    ).toBeUndefined();
  });

  test("the longest text costs little, whatever is in it", () => {
    const texts = [
      '"'.repeat(200_000),
      'PostgresError { code: "26000", message: "'.repeat(5_000),
      "a ".repeat(100_000),
      `connection pool for user "${'" and database "'.repeat(20_000)}`,
      `x.${" ".repeat(200_000)}`,
    ];
    const startedAt = performance.now();

    for (const text of texts) {
      explainError(Object.assign(new Error(text), { name: "PrismaClientUnknownRequestError" }));
      explainError(answer("58000", text));
      explainError(answer("26000", text));
      explainError(prismaAnswer("58000", text));
      explainError(prisma("unit/stalled", text));
    }

    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

describe("what an explanation gives away", () => {
  const secret = "hunter2";

  test("nothing of the error: no text of the server, no detail, no statement", () => {
    const error = Object.assign(
      answer("28P01", `password authentication failed for user "${secret}"`, { detail: secret }),
      {
        query: `alter role app password '${secret}'`,
      },
    );

    expect(inspect(explainError(error), { depth: 9, showHidden: true })).not.toContain(secret);
  });

  test("the name of a parameter, and only a name", () => {
    const named = explainError(answer("08P01", "unsupported startup parameter: statement_timeout"));
    const odd = explainError(answer("08P01", `unsupported startup parameter: x=${secret}`));

    expect(named?.sentence).toContain("`statement_timeout`");
    expect(odd?.kind).toBe("pooler.unsupported-startup-parameter");
    expect(odd?.sentence).not.toContain(secret);
  });

  test("the error itself is left as it was", () => {
    const error = Object.freeze(answer("57P01", "x"));

    expect(explainError(error)?.kind).toBe("server.terminated");
  });
});

import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { mostConnectedIn, statementsIn } from "../src/server-log.ts";

describe("statements in Postgres' log", () => {
  const cases: readonly [string, string, readonly string[]][] = [
    ["a simple query", "svc|7|LOG:  statement: BEGIN\n", ["BEGIN"]],
    ["an unnamed statement", "svc|7|LOG:  execute <unnamed>: select $1\n", ["select $1"]],
    ["a named statement", "svc|7|LOG:  execute s1: select 1\n", ["select 1"]],
    ["several lines", "svc|7|LOG:  statement: select\n\t1\n", ["select\n\t1"]],
    [
      "its parameters apart",
      "svc|7|LOG:  execute <unnamed>: a\nsvc|7|DETAIL:  parameters: $1\n",
      ["a"],
    ],
    ["a session without a name", "|7|LOG:  statement: select 1\n", ["select 1"]],
    ["the observer's", "observer|7|LOG:  statement: select 1\n", []],
    ["the pooler's SET", "svc|7|LOG:  statement: SET application_name='svc';\n", []],
    [
      "a client's own SET",
      "svc|7|LOG:  statement: SET statement_timeout=1\n",
      ["SET statement_timeout=1"],
    ],
    ["the pooler's reset", "svc|7|LOG:  statement: DISCARD ALL\n", []],
    ["an error", "svc|7|ERROR:  division by zero\nsvc|7|STATEMENT:  select 1 / 0\n", []],
  ];
  test.each(cases)("%s", (_, log, texts) => {
    assert.deepEqual(
      statementsIn(log).map(({ text }) => text),
      texts,
    );
  });
});

describe("clients in PgBouncer's log", () => {
  const cases: readonly [string, string, number][] = [
    ["nobody", "", 0],
    ["one after another", comes("a") + goes("a") + comes("b") + goes("b"), 1],
    ["two at a time", comes("a") + comes("b") + goes("a") + goes("b"), 2],
    ["two on two aliases", comes("a") + comes("b", "app_session"), 2],
    ["one who came earlier goes", goes("a") + comes("b"), 1],
    [
      "one before a pooler that was killed",
      `${comes("a")}2026 UTC [2] LOG process up: PgBouncer\n${comes("b")}`,
      1,
    ],
    ["the console", comes("a", "pgbouncer").replace("/app@", "/pgbouncer@"), 0],
  ];
  test.each(cases)("%s", (_, log, most) => {
    assert.equal(mostConnectedIn(log), most);
  });
});

function comes(id: string, db = "app"): string {
  return `2026 UTC [1] LOG C-0x${id}: ${db}/app@127.0.0.1:4 login attempt: db=${db} user=app tls=no\n`;
}

function goes(id: string): string {
  return `2026 UTC [1] LOG C-0x${id}: app/app@127.0.0.1:4 closing because: client close request (age=0s)\n`;
}

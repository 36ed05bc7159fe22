import { describe, expect, test } from "vitest";

import { statementsIn } from "../../src/sql/statements.ts";

const cases: readonly (readonly [text: string, ...statements: string[]])[] = [
  [""],
  [" ; /* a */ ;; -- b"],
  ["select 1", "select 1"],
  [" select 1 ; ", "select 1"],
  ["begin;commit", "begin", "commit"],
  ["/* a */ select 1 /* b */; -- c\n select 2 -- d", "select 1", "select 2"],
  ["select ';', \";\", $$;$$, e'\\';'; select 2", "select ';', \";\", $$;$$, e'\\';'", "select 2"],
  ["select 'a; select 2", "select 'a; select 2"],
  ["select (1; 2); commit", "select (1; 2)", "commit"],
  ["select 1); commit", "select 1)", "commit"],
  [
    "create rule r as on insert to t do also (select 1; select 2); commit",
    "create rule r as on insert to t do also (select 1; select 2)",
    "commit",
  ],
  [
    "create function f() returns int begin atomic select 1; select 2; end; commit",
    "create function f() returns int begin atomic select 1; select 2; end",
    "commit",
  ],
  [
    "create or replace procedure p(a int default (1)) begin atomic end; commit",
    "create or replace procedure p(a int default (1)) begin atomic end",
    "commit",
  ],
  [
    "create function f() returns int begin atomic select case when a then 1 end; end; commit",
    "create function f() returns int begin atomic select case when a then 1 end; end",
    "commit",
  ],
  [
    // `end` names a column of the first two.
    "create function f() returns int begin atomic select 1 end; select 1 as end; end; commit",
    "create function f() returns int begin atomic select 1 end; select 1 as end; end",
    "commit",
  ],
  [
    "create function f() returns int begin atomic create function g() returns int begin atomic select 1; end; end; commit",
    "create function f() returns int begin atomic create function g() returns int begin atomic select 1; end; end",
    "commit",
  ],
  [
    "create function begin() returns begin as 'x'; commit",
    "create function begin() returns begin as 'x'",
    "commit",
  ],
  [
    "create function f() returns begin begin atomic select 1; end; commit",
    "create function f() returns begin begin atomic select 1; end",
    "commit",
  ],
  [
    "create function f(begin atomic) return 1; commit",
    "create function f(begin atomic) return 1",
    "commit",
  ],
  ["create table begin (atomic int); commit", "create table begin (atomic int)", "commit"],
  ["create view begin atomic; commit", "create view begin atomic", "commit"],
  ['create "function" begin atomic; commit', 'create "function" begin atomic', "commit"],
  ["do $$ begin commit; end $$; commit", "do $$ begin commit; end $$", "commit"],
  ["end; select 1; commit", "end", "select 1", "commit"],
  ["begin atomic; commit", "begin atomic", "commit"],
];

describe("the statements of", () => {
  for (const [text, ...expected] of cases) {
    test(JSON.stringify(text), () => {
      const statements = Array.from(statementsIn(text), ({ start, end }) => text.slice(start, end));

      expect(statements).toEqual(expected);
    });
  }
});

describe("a statement", () => {
  test("is told by its first words, in lower case, up to the first token that is none", () => {
    const words = Array.from(
      statementsIn('CREATE /* a */ Temp TABLE "t"(a int); select 1; (select 2); a b c d e f g h i'),
      (statement) => statement.words.join(" "),
    );

    expect(words).toEqual(["create temp table", "select", "", "a b c d e f g h"]);
  });

  test("knows its place, and whether another stands in the text", () => {
    const places = ["select 1;", "; select 1; ; select 2"].map((text) =>
      Array.from(statementsIn(text), ({ index, isOnly }) => ({ index, isOnly })),
    );

    expect(places).toEqual([
      [{ index: 0, isOnly: true }],
      [
        { index: 0, isOnly: false },
        { index: 1, isOnly: false },
      ],
    ]);
  });

  test("is read when it is asked for, so that a long script is not held in memory", () => {
    const statements = statementsIn("select 1;".repeat(1_000_000));

    const first = statements.next();

    expect(first.value).toMatchObject({ index: 0, start: 0, end: 8 });
  });
});

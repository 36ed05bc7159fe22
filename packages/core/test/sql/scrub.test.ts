import { describe, expect, test } from "vitest";

import { scrubStatement } from "../../src/sql/scrub.ts";
import { mutated, randomOf } from "./generate.ts";
import { oracleTokens } from "./oracle.ts";

const cases: readonly (readonly [text: string, shown: string])[] = [
  ["", ""],
  ['select $1, a.b, "C"', 'select $1, a.b, "C"'],
  ["select 'a', 1, -1.5, 0xff", "select ?, ?, -?, ?"],
  ["select E'a\\'b', U&'a', B'1', X'f', $$a$$, $t$a$t$", "select ?, ?, ?, ?, ?, ?"],
  ["select N'a'", "select N?"],
  ["select 'a'\n  'b'", "select ?"],
  ["select\n\n\ta  from /* b */ c -- d\n where e", "select a from c where e"],
  ["-- a\n select 1 /* b */", "select ?"],
  ["select a/* b */from c", "select a from c"],
  ["insert into t values (1, 'a'), (2, 'b')", "insert into t values (?, ?), (?, ?)"],
  ["select '2020-01-01'::date, date'2020-01-01'", "select ?::date, date?"],
  ["alter role a password 'b'", "alter role a password ?"],
  ["set app.tenant = acme", "set app.tenant = ?"],
  ["SET search_path TO acme, \"b\", 'c'", "SET search_path TO ?, ?, ?"],
  ["set local a to b; select c", "set local a to ?; select c"],
  ["alter role a in database b set c.d to e", "alter role a in database b set c.d to ?"],
  ["set role a", "set role a"],
  ["update t set a = b, c = 'd'", "update t set a = b, c = ?"],
  ['select * from t where name = "o\'brien@example.org"', "select * from t where name = ?"],
  ['select "größe", "a-b", "Invoice__lines"."id"', 'select "größe", "a-b", "Invoice__lines"."id"'],
  [`select "${"a".repeat(64)}"`, "select ?"],
  ['select U&"a"', "select ?"],
];

describe("shown in a report", () => {
  for (const [text, shown] of cases) {
    test(JSON.stringify(text), () => {
      expect(scrubStatement(text)).toBe(shown);
    });
  }
});

describe("only the first word is shown where it is in doubt what a literal is", () => {
  const doubtful: readonly (readonly [text: string, shown: string])[] = [
    ["select a from b where c = 'secret", "select…"],
    ["select a from b where c = secret'", "select…"],
    ["select a from b where c = secret' and d = 'e'", "select…"],
    ["select 'O'Brien', 'secret'", "select…"],
    ["select 'a', b, 'c\\' secret '", "select…"],
    ["select 1, 'it's secret', 'a'", "select…"],
    ["delete from a where id = 550e8400-e29b-41d4-a716-446655440000", "delete…"],
    ["select a $$secret", "select…"],
    ["select a /* secret", "select…"],
    ['select "secret', "select…"],
    ["select 'a' \"b\"'secret'", "select…"],
    ["/* a */ select 'a", "select…"],
    ["secret'", "…"],
    ["secret ' and 1", "…"],
    ["'secret", "…"],
    [`select a, '${"x".repeat(1_000_000)}', secret`, "select…"],
  ];
  for (const [text, shown] of doubtful) {
    test(JSON.stringify(text.slice(0, 80)), () => {
      expect(scrubStatement(text)).toBe(shown);
    });
  }
});

describe("length", () => {
  test("is cut before the token that would go beyond it", () => {
    const shown = ["select a, b", "select a, bc", "select abc"].map((text) =>
      scrubStatement(text, 11),
    );

    expect(shown).toEqual(["select a, b", "select a,…", "select abc"]);
  });

  test("is 500 unless said otherwise", () => {
    const shown = scrubStatement(`select ${"a, ".repeat(1_000)}a`);

    expect(shown.length).toBeLessThanOrEqual(501);
    expect(shown).toMatch(/^select a, a, .*[a,]…$/);
  });

  test("does not keep doubt that lies behind it from being seen", () => {
    const text = `select secret${", a".repeat(1_000)}'`;

    expect(scrubStatement(text)).toBe("select…");
  });
});

test("no literal is shown, however the text around it is broken", () => {
  const random = randomOf(5);
  const templates = [
    "select a from b where c = '~secret~' and d = 1",
    "insert into t (a, b) values ('x', '~secret~'), (E'it\\'s ~secret~', 2)",
    "select $tag$ ~secret~ $tag$, 'a' /* ~secret~ */",
    "set app.user = '~secret~'; select U&'~secret~', N'~secret~'",
  ];
  const leaks: string[] = [];

  for (let round = 0; round < 4_000; round++) {
    const pieces = (templates[round % templates.length] ?? "").split("secret");
    const broken = Math.floor(random() * pieces.length);
    const text = pieces
      .map((piece, index) => (index === broken ? mutated(random, piece) : piece))
      .join("secret");
    const shown = scrubStatement(text);
    // A text that lost both of its quotes holds a name: PostgreSQL takes it for one as well.
    if (shown.includes("secret") && !holdsName(text, "secret")) leaks.push(`${text} => ${shown}`);
  }

  expect(leaks).toEqual([]);
});

function holdsName(text: string, name: string): boolean {
  const tokens = oracleTokens(text) ?? [];
  return tokens.some(
    ({ kind, start, end }) => kind.endsWith("identifier") && text.slice(start, end).includes(name),
  );
}

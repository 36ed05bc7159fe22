import { describe, expect, test } from "vitest";

import { scrub } from "../src/scrub.ts";

describe("a statement as a report shows it", () => {
  test.each([
    ["select 1", "select ?"],
    ["select * from t where id = $1 and x = 4.5e3", "select * from t where id = $1 and x = ?"],
    ["insert into t values ('O''Brien', E'a\\'b', 12)", "insert into t values (?, ?, ?)"],
    ["select $$ secret $$, $a$ it's $$ $a$", "select ?, ?"],
    ["select U&'\\0041', b'01', N'x'", "select ?, ?, ?"],
    ['update "my ""table""" set a=b', 'update "my ""table""" set a=b'],
    ["select a-1, b /* pii */ -- more\n , c/2", "select a-?, b , c/?"],
    ["BEGIN", "BEGIN"],
  ])("%s", (text, shown) => {
    expect(scrub(text)).toBe(shown);
  });

  test.each([
    // A backslash means one thing or another by standard_conforming_strings.
    ["select 'a\\' , 'secret'", "secret"],
    ["select 'not closed secret", "secret"],
    ["select $$ not closed secret", "secret"],
    ["select 1 /* not closed secret", "secret"],
    [`select ${"x, ".repeat(200)} 'secret'`, "secret"],
  ])("%s: what cannot be told apart is cut off", (text, secret) => {
    const shown = scrub(text);

    expect(shown).not.toContain(secret);
    expect(shown).toMatch(/…$/);
    expect(shown.length).toBeLessThan(220);
  });
});

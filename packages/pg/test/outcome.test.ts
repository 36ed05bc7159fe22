import { describe, expect, test } from "vitest";

import { type BlockStatus, lostText } from "../src/connection/outcome.ts";

describe("a text that was sent outside a block and not answered", () => {
  test.each([
    "",
    "select 1",
    "/* insert */ SELECT 'insert into note' as \"update\"",
    "(select 1) union (select 2)",
    "with one as (select 1) select * from one",
    "select * from note for update",
    "select * from note for no key update skip locked",
    "table note",
    "values (1), (2)",
    "show work_mem",
    "set search_path = app",
    "fetch 10 from c",
    "declare c cursor for select 1",
    "begin",
    "BEGIN; SET LOCAL statement_timeout = 1",
    "begin; insert into note values (1)",
    "begin; insert into note values (1); rollback",
    "rollback",
    "commit",
    "savepoint a",
    "explain insert into note values (1)",
    "explain (analyze, buffers) select * from note",
    "copy note to stdout",
    "copy (select * from note) to stdout",
    "discard all",
  ])("leaves nothing to be known: %s", (text) => {
    expect(lostText(text, "I").unknown).toBeUndefined();
  });

  test.each([
    "insert into note values (1)",
    "UPDATE note SET text = ''",
    "delete from note",
    "merge into note using other on true when matched then delete",
    "with gone as (delete from note returning *) select * from gone",
    "select * into other from note",
    "explain analyze delete from note",
    "explain (analyze) create table other as select 1",
    "copy note from stdin",
    "copy (delete from note returning *) to stdout",
    "create table other (id int)",
    "call pay(1)",
    "do $$ begin end $$",
    "execute paying(1)",
    "notify paid",
    "vacuum note",
    "select 1; insert into note values (1)",
    "rollback; insert into note values (1)",
    "truncate note",
  ])("may have taken effect: %s", (text) => {
    expect(lostText(text, "I").unknown).toBe("statement");
  });

  test.each([
    "begin; insert into note values (1); commit",
    "begin; insert into note values (1); end; select 1",
    "commit prepared 'half'",
    "rollback prepared 'half'",
    "begin; prepare transaction 'half'",
  ])("may have stored a transaction: %s", (text) => {
    expect(lostText(text, "I").unknown).toBe("transaction");
  });
});

describe("a text that was sent inside a block and not answered", () => {
  test.each<[string, BlockStatus]>([
    ["insert into note values (1)", "T"],
    ["call pay(1)", "T"],
    ["rollback", "T"],
    ["rollback to a", "E"],
    ["commit", "E"],
    ["prepare transaction 'half'", "E"],
    ["abort and chain", "T"],
  ])("leaves nothing to be known: %s in %s", (text, status) => {
    expect(lostText(text, status).unknown).toBeUndefined();
  });

  test.each<[string, BlockStatus]>([
    ["commit", "T"],
    ["/* done */ END", "T"],
    ["commit and chain", "T"],
    ["prepare transaction 'half'", "T"],
    ["insert into note values (1); commit", "T"],
    ["rollback to a; commit", "E"],
    ["commit; insert into note values (1)", "T"],
  ])("may have stored the transaction: %s in %s", (text, status) => {
    expect(lostText(text, status).unknown).toBe("transaction");
  });

  test("is outside again after its ROLLBACK", () => {
    expect(lostText("rollback; insert into note values (1)", "T").unknown).toBe("statement");
  });
});

test.each<[string, BlockStatus, BlockStatus]>([
  ["begin", "I", "T"],
  ["commit", "T", "I"],
  ["commit", "E", "I"],
  ["commit and chain", "T", "T"],
  ["rollback", "E", "I"],
  ["rollback to a", "E", "T"],
  ["insert into note values (1)", "T", "T"],
  ["select 1", "I", "I"],
])("%s leads from %s to %s", (text, from, to) => {
  expect(lostText(text, from).status).toBe(to);
});

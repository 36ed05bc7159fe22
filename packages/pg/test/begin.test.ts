import { describe, expect, test } from "vitest";

import { blockControlOf } from "../src/connection/begin.ts";

describe("a text that opens a block, and where more can be put behind it (|)", () => {
  test.each([
    "BEGIN|",
    "begin|;",
    "  Begin| ; ;",
    "BEGIN WORK|",
    "begin transaction isolation level repeatable read, read only, not deferrable|",
    "BEGIN ISOLATION LEVEL SERIALIZABLE , READ WRITE| -- by the book",
    "START TRANSACTION|",
    "start /* a */ transaction| /* b */ ;",
    "/* trace /* nested */ id */ BEGIN| /* trace='00-4b' */",
    "-- first\n-- second\nBEGIN|",
    "BEGIN -- why\n READ ONLY|",
  ])("%s", (marked) => {
    const text = marked.replace("|", "");

    const end = blockControlOf(text)?.opensAt;

    expect(end).toBe(marked.indexOf("|"));
  });
});

describe("a text that opens no block, or more than that", () => {
  test.each([
    "",
    "select 1",
    "savepoint a",
    "start",
    "START_TRANSACTION",
    "begins",
    "BEGIN; select 1",
    "BEGIN; COMMIT",
    "BEGIN ATOMIC",
    "BEGIN 'x'",
    "/* BEGIN */ select 1",
    "-- BEGIN",
    "/* not closed BEGIN",
    "set x = 'BEGIN'",
  ])("%s", (text) => {
    expect(blockControlOf(text)?.opensAt).toBeUndefined();
  });
});

describe("which results of a text answer a COMMIT", () => {
  test.each([
    ["COMMIT", [0]],
    ["commit and chain", [0]],
    ["  /* a */ End;", [0]],
    ["-- a\ncommit work", [0]],
    ["select ';'; ; COMMIT; select 2", [1]],
    ["begin; select 1; commit; begin; end", [2, 4]],
    ["COMMIT PREPARED 'x'", []],
    ["commit /* a */ prepared 'x'", []],
    ["ROLLBACK", []],
    ["endless", []],
    ["select 1", []],
    ["select case when a then 1 end", []],
    ["create table t (a int)", []],
    ["", []],
  ])("%s: %j", (text, commits) => {
    expect(blockControlOf(text)?.commits ?? []).toEqual(commits);
  });
});

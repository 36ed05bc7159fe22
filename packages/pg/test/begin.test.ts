import { describe, expect, test } from "vitest";

import { blockOpening, isBlockEnding } from "../src/begin.ts";

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

    const end = blockOpening(text);

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
    expect(blockOpening(text)).toBeUndefined();
  });
});

describe("a text that ends a block", () => {
  test.each([
    ["COMMIT", true],
    ["commit and chain", true],
    ["  /* a */ End;", true],
    ["-- a\ncommit work", true],
    ["COMMIT PREPARED 'x'", false],
    ["commit /* a */ prepared 'x'", false],
    ["ROLLBACK", false],
    ["endless", false],
    ["select 1", false],
    ["create table t (a int)", false],
    ["", false],
  ])("%s: %s", (text, ends) => {
    expect(isBlockEnding(text)).toBe(ends);
  });
});

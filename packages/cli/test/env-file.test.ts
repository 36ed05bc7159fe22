import { describe, expect, test } from "vitest";

import { isPostgresUrl, positionInEntry, readEnvFile } from "../src/check/env-file.ts";

const URL_TEXT = "postgresql://u:p@h/db?pgbouncer=true&schema=x";

describe("a variable of a .env file", () => {
  test.each([
    [`DATABASE_URL=${URL_TEXT}`, { line: 1, column: 36 }],
    [`# DATABASE_URL=old\nDATABASE_URL="${URL_TEXT}"\n`, { line: 2, column: 37 }],
    [`\r\n  export DATABASE_URL='${URL_TEXT}'\r\n`, { line: 2, column: 46 }],
    [`DATABASE_URL=first\nOTHER=1\nDATABASE_URL=${URL_TEXT}`, { line: 3, column: 36 }],
    [`DATABASE_URL: ${URL_TEXT}`, { line: 1, column: 37 }],
  ])("%j", (text, expected) => {
    const entry = readEnvFile(text).find(({ name }) => name === "DATABASE_URL");

    expect(entry?.value).toBe(URL_TEXT);
    expect(entry && positionInEntry(text, entry, "pgbouncer")).toEqual(expected);
  });

  test("is pointed at itself when the parameter is not in its text", () => {
    const text = "A=1\n export DATABASE_URL=postgres://h/db";

    const entry = readEnvFile(text)[1];

    expect(entry && positionInEntry(text, entry, "schema")).toEqual({ line: 2, column: 9 });
  });
});

describe("a URL of Postgres", () => {
  test.each([
    ["postgres://h/db", true],
    ["POSTGRESQL://h/db", true],
    ["mysql://h/db", false],
    ["prisma+postgres://h/db", false],
    ["not postgres://", false],
    ["", false],
  ])("%j", (value, expected) => {
    const isOne = isPostgresUrl(value);

    expect(isOne).toBe(expected);
  });
});

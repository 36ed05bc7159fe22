import { describe, expect, test } from "vitest";

import { locate, positionAt } from "../src/check/locate.ts";

const source = `import { env } from "@doorpolicy/core";

// extra: { statement_timeout } would be wrong here
export const first = {
  type: "postgres",
  url: "postgresql://h//db?pgbouncer=true&application_name=a",
  extra: { max: 3 },
};

const shared = { connectTimeoutMS: 500 };

export const second: Options = {
  "poolSize": 3,
  extra: {
    statement_timeout: 5_000,
    max: 4,
  },
  synchronize,
  applicationName: "billing",
};
`;

describe("locate", () => {
  test.each([
    ["extra.statement_timeout", undefined, { line: 15, column: 5 }],
    ["extra.statement_timeout", "default", { line: 15, column: 5 }],
    ["extra.max", "first", { line: 7, column: 12 }],
    ["extra.max", "second", { line: 16, column: 5 }],
    ["poolSize", "second", { line: 13, column: 3 }],
    ["synchronize", "second", { line: 18, column: 3 }],
    ["connectTimeoutMS", "second", { line: 10, column: 18 }],
    ["url?application_name", "first", { line: 6, column: 43 }],
    ["replication.slaves[0].url?pgbouncer", undefined, { line: 6, column: 28 }],
    ["applicationName", "first", undefined],
    ["default of pg", "first", undefined],
    ["env PGOPTIONS", undefined, undefined],
  ])("%s of export %s", (path, exportName, expected) => {
    const position = locate(source, path, exportName);

    expect(position).toEqual(expected);
  });
});

describe("positionAt", () => {
  test.each([
    ["abc", 0, { line: 1, column: 1 }],
    ["abc\n", 4, { line: 2, column: 1 }],
    ["a\r\nbc", 4, { line: 2, column: 2 }],
  ])("%j at %d", (text, offset, expected) => {
    const position = positionAt(text, offset);

    expect(position).toEqual(expected);
  });
});

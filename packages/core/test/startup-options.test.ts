import { expect, test } from "vitest";

import { readStartupOptions } from "../src/index.ts";

const table = [
  ["", [], []],
  ["-c statement_timeout=5s", [["statement_timeout", "5s"]], []],
  ["-cstatement_timeout=5s", [["statement_timeout", "5s"]], []],
  ["--statement-timeout=5s", [["statement_timeout", "5s"]], []],
  [
    "  -c a=1\t-c b=2\n--c=3 ",
    [
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
    ],
    [],
  ],
  [String.raw`-c search_path=my\ schema,b\\c`, [["search_path", String.raw`my schema,b\c`]], []],
  ["-c a=b=c", [["a", "b=c"]], []],
  ["-c a=", [["a", ""]], []],
  ["-B 100 -c a=1", [["a", "1"]], ["-B", "100"]],
  ["-c", [], ["-c"]],
  ["--", [], ["--"]],
  ["-c nonsense", [], ["-c"]],
] as const;

for (const [text, parameters, switches] of table) {
  test(JSON.stringify(text), () => {
    const read = readStartupOptions(text);

    expect(read.parameters.map(({ name, value }) => [name, value])).toEqual(parameters);
    expect(read.switches).toEqual(switches);
  });
}

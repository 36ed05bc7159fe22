import { describe, expect, test } from "vitest";

import { type Block, blocksIn, blocksOfPages, compilable } from "./blocks.ts";
import { problemsOf } from "./type-check.ts";

const block = (code: string): Block => ({ page: "a.md", line: 7, code });

describe("the code in README and docs", () => {
  test("is accepted by the compiler, block by block", { timeout: 60_000 }, () => {
    const blocks = blocksOfPages();

    const problems = problemsOf(blocks);

    // Fewer are a reader of pages that finds nothing.
    expect(blocks.length).toBeGreaterThan(80);
    expect(problems).toEqual([]);
  });

  test("is refused where it says what is not so", { timeout: 60_000 }, () => {
    const problems = problemsOf([
      block(
        'definePolicy({\n  mode: "enforce", targets: { main: { poled: "" } },\n});\nawait listen(policy, { channels: ["a"] });\n',
      ),
      block("const policy = 1;\n"),
      block('definePolicy({ allow: [{ rule: "session-state/no-set" }] });\n'),
    ]);

    expect(problems).toEqual([
      expect.stringMatching(/^a\.md:8: TS\d+ .*poled/u),
      "a.md:10: TS2304 Cannot find name 'listen'.",
      expect.stringMatching(/^a\.md:7: TS\d+ .*reason/u),
    ]);
  });
});

describe("a block of a page", () => {
  test("is found with the line that its code begins on", () => {
    const found = blocksIn(
      "a.md",
      "# A\n\n```ts\none();\n```\n\n```sh\nno\n```\n\n```ts\ntwo();\n```\n",
    );

    expect(found).toEqual([
      { page: "a.md", line: 4, code: "one();\n" },
      { page: "a.md", line: 12, code: "two();\n" },
    ]);
  });

  test.each([
    ["f(() => { … });", "f(() => {});"],
    ["f(a, …);", "f(a, ...omitted);"],
    ['allowing("…", () => …); // … more', 'allowing("…", () => omitted); // … more'],
  ])("%s becomes %s", (code, expected) => {
    expect(compilable(block(code))).toBe(expected);
  });
});

import { describe, expect, it } from "vitest";
import { plotsOf } from "../src/report/plots.ts";
import { readmeBlock, withBlock } from "../src/report/readme.ts";
import type { Results } from "../src/report/results.ts";
import { table } from "../src/report/table.ts";

const RESULTS: Results = {
  date: "2026-01-31",
  machine: "2 × Some Processor",
  versions: { node: "20.20.2", pooler: "1.24.1" },
  ratios: {
    "guard.warmQuery": {
      median: 1.01,
      q25: 0.98,
      q75: 1.04,
      rounds: 31,
      control: { median: 1, q25: 0.97, q75: 1.03, rounds: 31 },
      goal: { atMost: 1.02 },
      verdict: "met",
      what: "guarded / plain",
    },
    "guard.als": { median: 1.1, q25: 1.05, q75: 1.2, rounds: 31, what: "on / off" },
  },
};

describe("the block of the README", () => {
  it("has every figure with a goal, the date and the versions, and no other figure", () => {
    const block = readmeBlock(RESULTS);

    expect(block).toContain("`guard.warmQuery`");
    expect(block).toContain("1.01");
    expect(block).toContain("Measured on 2026-01-31 with node 20.20.2, pooler 1.24.1");
    expect(block).not.toContain("guard.als");
  });

  it("replaces what stands between the markers, and nothing else", () => {
    const text = "before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n";

    const replaced = withBlock(text, "new");

    expect(replaced).toBe("before\n<!-- bench:start -->\n\nnew\n\n<!-- bench:end -->\nafter\n");
    expect(withBlock(replaced ?? "", "new")).toBe(replaced);
  });

  it.each(["no markers", "<!-- bench:start --> alone", "<!-- bench:end --><!-- bench:start -->"])(
    "is left out of a text with %s",
    (text) => {
      expect(withBlock(text, "new")).toBeUndefined();
    },
  );
});

it("a table pads its columns and escapes what would end a cell", () => {
  expect(table(["a", "long head"], [["x|y", "1"]])).toBe(
    "| a    | long head |\n| ---- | --------- |\n| x\\|y | 1         |",
  );
});

describe("plots", () => {
  it("are SVG, and only of what was measured", () => {
    const plots = plotsOf(RESULTS.ratios);

    expect([...plots.keys()]).toEqual(["goals.svg"]);
    expect(plots.get("goals.svg")).toMatch(/^<svg [\s\S]*guard\.warmQuery[\s\S]*<\/svg>\s*$/);
  });
});

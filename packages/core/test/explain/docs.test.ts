import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { explainError } from "../../src/explain/explain-error.ts";
import { knownFaults } from "../../src/explain/faults.ts";
import { answer } from "./errors.ts";

const { faults } = knownFaults();

const root = new URL("../../../../", import.meta.url);
const pages = readdirSync(new URL("docs/faults/", root)).filter(
  (page) => !["README.md", "policy.md"].includes(page),
);

describe("docs/faults", () => {
  test("has one section for each fault, and none for anything else", () => {
    const sections = pages.flatMap((page) =>
      [...readFileSync(new URL(`docs/faults/${page}`, root), "utf8").matchAll(/^## (.+)$/gm)].map(
        ([, section]) => `${page.replace(".md", "")}.${section}`,
      ),
    );

    expect(sections.toSorted()).toEqual(Object.keys(faults).toSorted());
  });

  test("is where an explanation points to", () => {
    const explanation = explainError(answer("08P01", "query_wait_timeout"));

    expect(explanation?.docs).toBe(
      "https://github.com/doorpolicy/doorpolicy/blob/main/docs/faults/pooler.md#queue-timeout",
    );
  });

  test("names every kind in its index", () => {
    const index = readFileSync(new URL("docs/faults/README.md", root), "utf8");

    for (const kind of Object.keys(faults)) {
      const [family, name] = kind.split(".");

      expect(index).toContain(`[\`${kind}\`](${family}.md#${name})`);
    }
  });
});

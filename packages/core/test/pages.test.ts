import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { ruleIds, rules } from "../src/index.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** Pages below a folder, by the id that they are named after. */
function pagesIn(folder: string): Map<string, string> {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return new Map(
    files
      .filter((file) => file.endsWith(".md"))
      .map((file) => [
        file.replaceAll("\\", "/").slice(0, -".md".length),
        readFileSync(join(ROOT, folder, file), "utf8"),
      ]),
  );
}

/** The codes as the type lists them; a type leaves nothing behind that a test could read. */
function errorCodes(): readonly string[] {
  const source = readFileSync(join(ROOT, "packages/core/src/errors.ts"), "utf8");
  const union = /type PolicyErrorCode =(?<members>[^;]*);/u.exec(source)?.groups?.["members"] ?? "";
  return Array.from(union.matchAll(/"([^"]+)"/gu), ([, code = ""]) => code);
}

/** Links of a page that lead to another page of ours. */
function relativeLinks(page: string): readonly string[] {
  return Array.from(page.matchAll(/\]\((?!https?:)([^)#]+)/gu), ([, link = ""]) => link);
}

describe("pages of rules", () => {
  const pages = pagesIn("docs/rules");

  test("there is one for each rule, and a rule for each", () => {
    expect([...pages.keys()].toSorted()).toEqual([...ruleIds].toSorted());
  });

  for (const [id, page] of pages) {
    test(`${id} says what happens, how to fix it and how to allow it`, () => {
      const headings = Array.from(page.matchAll(/^#+ .*$/gmu), ([heading]) => heading);

      expect(headings).toEqual([`# \`${id}\``, "## What happens", "## Fix", "## Allow it"]);
      expect(page).toContain(`rule: "${id}"`);
    });
  }

  for (const [id, page] of pages) {
    test(`${id} says where it is looked for`, () => {
      const rule = rules.find((one) => one.id === id);
      const place =
        rule === undefined ? "Run time" : rule.atRuntime ? "Check and run time" : "Check";

      expect(page.split("\n")[2]).toMatch(new RegExp(`^${place} · `, "u"));
    });
  }

  for (const { id, severity } of rules) {
    test(`${id} names its weight`, () => {
      const word = severity === "warn" ? "warning" : "error";

      expect(pages.get(id)).toContain(`${word} unless a policy says otherwise`);
    });
  }
});

describe("pages of errors", () => {
  const pages = pagesIn("docs/errors");

  test("there is one for each code, and a code for each", () => {
    expect(errorCodes()).toContain("policy/invalid");
    expect([...pages.keys()].toSorted()).toEqual([...errorCodes()].toSorted());
  });

  for (const [code, page] of pages) {
    test(`${code} says when it comes and what to do`, () => {
      const headings = Array.from(page.matchAll(/^#+ .*$/gmu), ([heading]) => heading);

      expect(headings).toEqual([`# \`${code}\``, "## When", "## What to do"]);
    });
  }
});

test("no link between these pages leads nowhere", () => {
  const known = new Set([
    ...[...pagesIn("docs/rules").keys()].map((id) => `docs/rules/${id}.md`),
    ...[...pagesIn("docs/errors").keys()].map((code) => `docs/errors/${code}.md`),
    ...[...pagesIn("docs/faults").keys()].map((family) => `docs/faults/${family}.md`),
    ...readdirSync(join(ROOT, "docs")).map((file) => `docs/${file}`),
  ]);
  const folders = ["docs/rules", "docs/errors", "docs/faults"] as const;

  const dead = folders.flatMap((folder) =>
    [...pagesIn(folder)].flatMap(([id, page]) =>
      relativeLinks(page)
        .map((link) => join(folder, id, "..", link).replaceAll("\\", "/"))
        .filter((link) => !known.has(link)),
    ),
  );

  expect(dead).toEqual([]);
});

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { ROOT } from "./doorpolicy.ts";

describe("the package of", () => {
  // npm packs LICENSE and README.md of the package's own folder, and nothing from above it.
  test.each(readdirSync(join(ROOT, "packages")))("%s carries the licence and a README", (name) => {
    const folder = join(ROOT, "packages", name);

    const licence = readFileSync(join(folder, "LICENSE"), "utf8");

    expect(licence).toBe(readFileSync(join(ROOT, "LICENSE"), "utf8"));
    expect(existsSync(join(folder, "README.md"))).toBe(true);
  });
});

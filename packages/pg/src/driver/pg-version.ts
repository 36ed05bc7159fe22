import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The version of a loaded pg, found through the module cache: pg does not export its version, and
 * resolving `pg` again might find another copy. `undefined` for what a bundler has swallowed.
 */
export function versionOf(pg: object): string | undefined {
  const wrapped = "default" in pg ? pg.default : undefined;
  const { cache } = createRequire(join(process.cwd(), "index.js"));
  for (const module of Object.values(cache)) {
    if (module === undefined || (module.exports !== pg && module.exports !== wrapped)) continue;
    return nearestVersion(dirname(module.filename));
  }
  return undefined;
}

function nearestVersion(folder: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    if (typeof manifest === "object" && manifest !== null && "version" in manifest)
      return String(manifest.version);
  } catch {
    // No manifest here; look one folder up.
  }
  const parent = dirname(folder);
  return parent === folder ? undefined : nearestVersion(parent);
}

import { readFileSync } from "node:fs";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

const manifest: Manifest = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
);

/** The version that this package pins. The pins are exact, aliases (`npm:name@version`) included. */
export function pinnedVersion(dependency: string): string {
  const range = manifest.dependencies[dependency];
  if (range === undefined) throw new Error(`${dependency} is not a dependency of the suite.`);
  return range.slice(range.lastIndexOf("@") + 1);
}

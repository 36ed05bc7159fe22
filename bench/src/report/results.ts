import { cpus } from "node:os";
import type { Measured } from "../method/rounds.ts";

/** `bench/results.json`. */
export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly ratios: Readonly<Record<string, Measured>>;
  /** Names of what could not be measured there, each with the reason. */
  readonly skipped?: Readonly<Record<string, string>>;
}

/** What identifies a run: ratios of two runs compare only where this is the same. */
export function resultsOf(
  versions: Results["versions"],
  ratios: Results["ratios"],
  skipped: NonNullable<Results["skipped"]>,
): Results {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}`,
    versions: { node: process.versions.node, ...versions },
    ratios,
    ...(Object.keys(skipped).length > 0 && { skipped }),
  };
}

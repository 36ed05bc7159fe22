import { readConfig } from "../config/effective.ts";
import { entryOf } from "../config/entry.ts";
import type { PoolConfigInput } from "../config/index.ts";

/** The environment variable that pg falls back to for a startup parameter; the limits have none. */
const VARIABLES: Readonly<Record<string, string>> = {
  options: "PGOPTIONS",
  replication: "PGREPLICATION",
};

/** Where a startup parameter came from, in its user's words: `statement_timeout`, `connectionString?options`, `env PGOPTIONS`. */
export function startupSource(name: string, config: PoolConfigInput): string {
  try {
    const variable = entryOf(VARIABLES, name);
    const fact = readConfig(config, { environment: process.env }).setting(name, variable);
    return fact?.path ?? name;
  } catch {
    // A URL that only pg can read. The parameter's own name will have to do.
    return name;
  }
}

import type { Fact } from "@doorpolicy/core";

import type { PostgresOptions } from "./options.ts";

/** Options that change the schema, or drop it, each time the DataSource is initialised. */
export const BOOT_KEYS = ["synchronize", "migrationsRun", "dropSchema"] as const;

/**
 * DDL that TypeORM sends by itself in `initialize()`.
 *
 * `installExtensions` is on by default, but sends nothing unless an entity needs an extension (from
 * source, 0.3.31 and 1.1.1), so it counts only where it was asked for: switched on, or with
 * `extensions` of its own (1.x).
 */
export function bootStatements(options: PostgresOptions): readonly Fact<string>[] {
  const found = BOOT_KEYS.filter((key) => options[key] === true).map((key) => ({
    value: key,
    path: key,
  }));
  const asked = options.installExtensions === true || (options.extensions?.length ?? 0) > 0;
  if (!asked || options.installExtensions === false) return found;
  const path = options.installExtensions === true ? "installExtensions" : "extensions";
  return [...found, { value: "installExtensions", path }];
}

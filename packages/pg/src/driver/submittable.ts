import type { PgQuery } from "./pg-types.ts";

/** True for what brings its own protocol: a `pg.Query`, a cursor, a stream. */
export function isSubmittable(config: unknown): config is PgQuery {
  return (
    typeof config === "object" &&
    config !== null &&
    "submit" in config &&
    typeof config.submit === "function"
  );
}

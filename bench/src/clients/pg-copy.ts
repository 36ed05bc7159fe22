import { createRequire } from "node:module";
import type * as Pg from "pg";

const require = createRequire(import.meta.url);

/** node-postgres and the packages that it is made of. */
const PG_FILE = /[\\/]node_modules[\\/](?:pg|pg-[^\\/]+|pgpass|postgres-[^\\/]+)[\\/]/;

/**
 * A copy of node-postgres that no other variant uses. The engine optimises a function for what it has
 * seen in it: a variant that shares code with others would be measured with their types in mind, and
 * an instrumentation that patches prototypes would reach all of them.
 */
export function ownPg(): typeof Pg {
  const shared = Object.entries(require.cache).filter(([file]) => PG_FILE.test(file));
  for (const [file] of shared) delete require.cache[file];
  try {
    const copy: typeof Pg = require("pg");
    return copy;
  } finally {
    for (const file of Object.keys(require.cache)) {
      if (PG_FILE.test(file)) delete require.cache[file];
    }
    for (const [file, module] of shared) require.cache[file] = module;
  }
}

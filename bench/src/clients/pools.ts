import type * as Pg from "pg";
import type { ConnectionPolicy } from "@doorpolicy/core";
import { closedLoop } from "../load/closed-loop.ts";
import type { Variant } from "../method/experiment.ts";
import { POOL_SIZE } from "../servers/servers.ts";
import { guardedPg } from "./guarded.ts";
import { ownPg } from "./pg-copy.ts";

/** The statement of every comparison that is about connections. */
export const STATEMENT = "select 1 as n";

/** A pool under our policy. */
export function ourPool(url: string, connections?: ConnectionPolicy): Pg.Pool {
  const { Pool } = guardedPg(connections);
  return new Pool({ connectionString: url });
}

/** pg-pool as services have it: its connections stay open between statements. */
export function warmPool(url: string): Pg.Pool {
  const { Pool } = ownPg();
  return new Pool({ connectionString: url, max: POOL_SIZE, idleTimeoutMillis: 0 });
}

/** pg-pool's own way to keep no idle connection. */
export function maxUsesPool(url: string): Pg.Pool {
  const { Pool } = ownPg();
  return new Pool({ connectionString: url, max: POOL_SIZE, maxUses: 1 });
}

/** Statements through a pool, from callers who do not pause. */
export function poolVariant(
  pool: Pg.Pool,
  { callers, count }: { readonly callers: number; readonly count: number },
): Variant {
  return {
    run: () => closedLoop({ callers, count, ask: () => pool.query(STATEMENT) }),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

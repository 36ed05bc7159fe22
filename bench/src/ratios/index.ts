import type { Ratio } from "../rounds.ts";
import { drivers, pooled, warmClient } from "./drivers.ts";

const POOL_SIZE = 20;

/** What the guard costs on a connection that is already open. */
const warmQuery: Ratio = {
  name: "guard.warmQuery",
  what: "guarded / plain pg, one open connection through PgBouncer",
  open: async ({ pooledUrl }) => ({
    ours: await warmClient("guarded", drivers.guarded, pooledUrl, 400),
    base: await warmClient("plain", drivers.plain, pooledUrl, 400),
  }),
};

/** What it costs to keep no idle connection, against a pool that keeps them all. */
const againstWarmPool = (callers: number, count: number): Ratio => ({
  name: `nullpool.trust.callers${callers}.warm`,
  what: `no idle connection / warm pg-pool of ${POOL_SIZE}, ${callers} caller(s), trust`,
  open: async ({ pooledUrl }) => ({
    ours: pooled(
      "no pool",
      new drivers.guarded.Pool({ connectionString: pooledUrl, max: POOL_SIZE }),
      callers,
      count,
    ),
    base: pooled(
      "pg-pool",
      new drivers.plain.Pool({ connectionString: pooledUrl, max: POOL_SIZE }),
      callers,
      count,
    ),
  }),
});

/** What the guard adds to the driver's own way of keeping no idle connection. */
const againstMaxUses = (callers: number, count: number): Ratio => ({
  name: `nullpool.trust.callers${callers}`,
  what: `ours / pg-pool with maxUses: 1, ${callers} caller(s), trust`,
  open: async ({ pooledUrl }) => ({
    ours: pooled(
      "no pool",
      new drivers.guarded.Pool({ connectionString: pooledUrl, max: POOL_SIZE }),
      callers,
      count,
    ),
    base: pooled(
      "maxUses: 1",
      new drivers.plain.Pool({ connectionString: pooledUrl, max: POOL_SIZE, maxUses: 1 }),
      callers,
      count,
    ),
  }),
});

export const ratios: readonly Ratio[] = [
  warmQuery,
  againstMaxUses(1, 100),
  againstMaxUses(50, 300),
  againstWarmPool(1, 100),
  againstWarmPool(50, 300),
];

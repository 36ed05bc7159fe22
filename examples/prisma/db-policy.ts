import { definePolicy, env } from "@doorpolicy/core";

/** How this service connects. `doorpolicy.config.ts` beside it hands the same policy to the CLI. */
export const policy = definePolicy({
  extends: "recommended",
  mode: "enforce",
  targets: {
    main: {
      pooler: { kind: "pgbouncer", version: "1.24", mode: "transaction" },
      pooled: env("DATABASE_URL"),
      direct: env("DIRECT_URL"),
    },
  },
  naming: { app: "bookings" },
  connections: { reuse: "none", maxPerProcess: 20, acquireTimeoutMs: 1_500 },
  transaction: { idleTimeoutMs: 5_000, timeoutMs: 30_000 },
});

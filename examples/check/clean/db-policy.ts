import { definePolicy, env } from "@doorpolicy/core";

/** What this team says of its pooler, and where it is. */
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
  naming: { app: "billing" },
  transaction: { statementTimeoutMs: 5_000 },
});

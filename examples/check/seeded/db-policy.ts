import { definePolicy } from "@doorpolicy/core";

/** What this team says of its pooler; the options beside it do not hold to it yet. */
export const policy = definePolicy({
  extends: "recommended",
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.24", mode: "transaction" } } },
  naming: { app: "billing" },
});

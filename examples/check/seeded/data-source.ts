import type { DataSourceOptions } from "typeorm";

/** Works on a laptop; behind a pooler the first connection is refused, and nobody knows whose it was. */
export const options = {
  type: "postgres",
  url: "postgresql://billing:not-a-real-password@pooler.example:6432/billing",
  poolSize: 10,
  connectTimeoutMS: 1_500,
  installExtensions: false,
  extra: {
    maxUses: 1,
    statement_timeout: 5_000,
  },
} satisfies DataSourceOptions;

import { definePolicy } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import plainPg from "pg";

/** The story of `exit.test.ts`: a process that has nothing to do but wait for a pooler that is away. */
const [, , port] = process.argv;

const pg = guardPg(
  plainPg,
  definePolicy({
    targets: { main: { pooler: { kind: "pgbouncer" } } },
    naming: { app: "billing" },
    connections: { acquireTimeoutMs: 800 },
  }),
);
const pool = new pg.Pool({ host: "127.0.0.1", port: Number(port), user: "app", database: "app" });
const error: unknown = await pool.query("select 1").catch((reason: unknown) => reason);
process.stdout.write(String(error instanceof Error && "code" in error ? error.code : error));

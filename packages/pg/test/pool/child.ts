import { definePolicy } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import plainPg from "pg";

/** The stories of `exit.test.ts`: a process that has asked its last statement, and ends its pool or does not. */
const [, , story, url] = process.argv;

const KEEPING = {
  lingers: { reuse: "none", lingerMs: 200 },
  keeps: { reuse: "pool", idleTimeoutMs: 30_000 },
  "keeps a few": { reuse: "pool", idleTimeoutMs: 30_000, minPerProcess: 2 },
  ends: { reuse: "pool", idleTimeoutMs: 30_000 },
  "exits at once": { reuse: "none", lingerMs: 0 },
  "gives way": { reuse: "pool", idleTimeoutMs: 30_000, maxPerProcess: 1 },
} as const;

function isStory(name: string | undefined): name is keyof typeof KEEPING {
  return name !== undefined && name in KEEPING;
}

if (!isStory(story)) throw new Error("There is no such story.");
const pg = guardPg(
  plainPg,
  definePolicy({
    mode: "enforce",
    targets: { main: { pooler: { kind: "pgbouncer" } } },
    naming: { app: "billing" },
    connections: KEEPING[story],
  }),
);
const pool = new pg.Pool({ connectionString: url });
await Promise.all([pool.query("select 1"), pool.query("select 2")]);
if (story === "ends") await pool.end();
if (story === "gives way") await new pg.Pool({ connectionString: url }).query("select 3");
process.stdout.write("done\n");
if (story === "exits at once") {
  await pool.query("select 3");
  process.exit(0);
}

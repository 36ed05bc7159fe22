import { createRequire, syncBuiltinESMExports } from "node:module";

/** The stories of `exit.test.ts`: one process each. */
const [, , story, url] = process.argv;
const { definePolicy } = await import("@doorpolicy/core");
const { default: plainPg } = await import("pg");

if (story === "no-user") {
  const os: { userInfo: () => unknown } = createRequire(import.meta.url)("node:os");
  os.userInfo = () => {
    throw new Error("ENOENT: no such file or directory, uv_os_get_passwd");
  };
  syncBuiltinESMExports();
}
const { guardPg } = await import("@doorpolicy/pg");
const policy = definePolicy({
  mode: "enforce",
  naming: { app: "billing" },
  transaction: { idleTimeoutMs: 200 },
});
const pg = guardPg(plainPg, policy);
const pool = new pg.Pool({ connectionString: url });

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

if (story === "exits") {
  await pool.query("select 1");
  say("done");
} else if (story === "outlives") {
  const client = await pool.connect();
  const { rows } = await client.query("select pg_backend_pid() as backend");
  const ended = new Promise((resolve) => client.once("end", resolve));
  await pool.query("select pg_terminate_backend($1)", [rows[0].backend]);
  await ended;
  say("still here");
} else if (story === "fake-timers") {
  const client = await pool.connect();
  await client.query("BEGIN");
  Object.assign(globalThis, { setTimeout: () => 0, clearTimeout: () => 0 });
  globalThis.performance.now = () => 0;
  await new Promise((resolve) => client.once("end", resolve));
  await client.query("select 1").catch((error: { code: string }) => say(error.code));
} else if (story === "no-user") {
  const { rows } = await pool.query("select current_setting('application_name') as name");
  say(`name ${rows[0].name}`);
}

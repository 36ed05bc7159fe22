import { pgbouncerIni, userList } from "../packages/testbed/src/config/pgbouncer-ini.ts";
import { populationSql } from "../packages/testbed/src/config/population.ts";
import { scramVerifier } from "../packages/testbed/src/wire/scram.ts";

/** PgBouncer of the image in `pgbouncer.Dockerfile`; it decides which keys the ini has. */
const PGBOUNCER_VERSION = "1.24.1";

/** Always the same, so that the committed files are; the password beside it is public anyway. */
const SALT = Buffer.from("doorpolicy-local");

/** Role, password, database: all "app", as in a testbed. */
const APP = "app";
const ADMIN = "pgbouncer";

/**
 * The files that the compose file mounts, by name. They come from the same source as those of
 * `@doorpolicy/testbed`, so that a service meets the same pair of servers either way.
 */
export function dockerFiles(): Record<string, string> {
  const verifier = scramVerifier(APP, SALT);
  const alias = { host: "postgres", port: 5432, database: APP };
  const ini = pgbouncerIni({
    version: PGBOUNCER_VERSION,
    // Inside the container; compose publishes the port on the host's loopback only.
    listenAddress: "0.0.0.0",
    listenPort: 6432,
    aliases: [
      { alias: APP, ...alias },
      { alias: `${APP}_session`, ...alias, poolMode: "session" },
    ],
    authType: "scram-sha-256",
    authFile: "/etc/pgbouncer/userlist.txt",
    adminUser: ADMIN,
    poolMode: "transaction",
    poolSize: 20,
  });
  const sql = populationSql({ owner: APP, secrets: { [APP]: verifier }, databases: [APP] });
  return {
    "pgbouncer.ini": `; Generated: npm run generate -w @doorpolicy/testbed\n${ini}`,
    "userlist.txt": userList({ [ADMIN]: verifier, [APP]: verifier }),
    "init.sql": `-- Generated: npm run generate -w @doorpolicy/testbed\n${sql.map((line) => `${line};\n`).join("")}`,
  };
}

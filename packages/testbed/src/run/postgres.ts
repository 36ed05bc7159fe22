import { appendFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { authType, postgresConf } from "../config/postgres-conf.ts";
import type { AuthMethod } from "../options.ts";
import type { ResolvedPostgres } from "../provision/resolution.ts";
import { postgresTree } from "../provision/postgres.ts";
import type { Certificates } from "../tls.ts";
import { openSimpleClient } from "../wire/simple-client.ts";
import { runnableBy } from "./account.ts";
import { FRESH_PASSWORD, makeCluster, SUPERUSER } from "./cluster.ts";
import type { LogFile } from "./log.ts";
import { LOOPBACK } from "./port.ts";
import { openServer, type Server } from "./server.ts";
import type { Workspace } from "./workspace.ts";

/** What a cluster is made with. */
export interface ClusterOptions {
  readonly found: ResolvedPostgres;
  readonly workspace: Workspace;
  readonly log: LogFile;
  readonly auth: AuthMethod;
  readonly cacheDir: string;
  readonly port?: number | undefined;
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly certificates?: Certificates | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Makes a cluster and starts it. */
export async function openPostgres(options: ClusterOptions): Promise<Server> {
  const { found, workspace, log, signal } = options;
  const data = await workspace.subdir("postgres");
  const postgres = await runnableBy(workspace.account, {
    file: join(found.bin, "postgres"),
    tree: postgresTree(found.bin),
    into: workspace.dir,
  });
  await makeCluster({
    initdb: join(dirname(postgres), "initdb"),
    version: found.version,
    data,
    workspace,
    cacheDir: options.cacheDir,
    signal,
  });
  await writeFile(
    join(data, "pg_hba.conf"),
    `host all all ${LOOPBACK}/32 ${authType[options.auth]}\n`,
  );
  const conf = join(data, "postgresql.conf");
  return openServer({
    what: `PostgreSQL ${found.version}`,
    failure: "testbed/postgres-start-failed",
    port: options.port,
    configure: (port) =>
      // The last line of a name wins, so a second choice of port is simply appended.
      appendFile(
        conf,
        postgresConf({
          port,
          host: LOOPBACK,
          ...(options.settings && { settings: options.settings }),
          ...(options.certificates && { tls: options.certificates }),
        }),
      ),
    command: {
      file: postgres,
      args: ["-D", data],
      cwd: data,
      account: workspace.account,
      log,
      janitor: workspace.janitor,
      ready: /database system is ready to accept connections/,
      stopSignal: "SIGINT",
      signal,
    },
  });
}

/** Roles and databases of a fresh cluster. `secrets` are verifiers where the method has them. */
export async function populate(options: {
  readonly port: number;
  readonly superuserSecret: string;
  readonly owner: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly databases: readonly string[];
}): Promise<void> {
  const client = await openSimpleClient({
    host: LOOPBACK,
    port: options.port,
    user: SUPERUSER,
    password: FRESH_PASSWORD,
    database: SUPERUSER,
  });
  try {
    await client.query(`ALTER ROLE ${SUPERUSER} PASSWORD ${quote(options.superuserSecret)}`);
    for (const [name, secret] of Object.entries(options.secrets)) {
      if (name === SUPERUSER) continue;
      await client.query(`CREATE ROLE "${name}" LOGIN PASSWORD ${quote(secret)}`);
    }
    if (options.owner !== SUPERUSER) {
      await client.query(`ALTER ROLE "${options.owner}" CREATEDB CREATEROLE`);
      await client.query(`GRANT pg_monitor, pg_signal_backend TO "${options.owner}"`);
    }
    for (const name of options.databases) {
      if (name === SUPERUSER) continue;
      await client.query(`CREATE DATABASE "${name}" OWNER "${options.owner}"`);
    }
  } finally {
    await client.close();
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

import { appendFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { literal, populationSql, type Population } from "../config/population.ts";
import { authType, postgresConf } from "../config/postgres-conf.ts";
import type { AuthMethod } from "../options.ts";
import type { ResolvedPostgres } from "../provision/resolution.ts";
import { postgresTree } from "../provision/postgres.ts";
import type { Certificates } from "../tls.ts";
import { openSimpleClient, type TextRow } from "../wire/simple-client.ts";
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
    bin: found.bin,
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

/**
 * Roles and databases of a fresh cluster; `secrets` are verifiers where the method has them.
 * Returns the version as the server says it.
 */
export async function populate(
  target: { readonly port: number; readonly superuserSecret: string },
  population: Population,
): Promise<string> {
  const client = await openSimpleClient({
    host: LOOPBACK,
    port: target.port,
    user: SUPERUSER,
    password: FRESH_PASSWORD,
    database: SUPERUSER,
  });
  try {
    const [row] = await client.query("SHOW server_version");
    await client.query(`ALTER ROLE ${SUPERUSER} PASSWORD ${literal(target.superuserSecret)}`);
    for (const statement of populationSql(population)) await client.query(statement);
    return versionOfRow(row);
  } finally {
    await client.close();
  }
}

/** `17.10 (Debian 17.10-1)` → `17.10`. */
export function versionOfRow(row: TextRow | undefined): string {
  return row?.["server_version"]?.split(" ")[0] ?? "unknown";
}

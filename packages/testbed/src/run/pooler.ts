import { dirname, join } from "node:path";
import { odysseyConf } from "../config/odyssey-conf.ts";
import { pgbouncerIni, userList } from "../config/pgbouncer-ini.ts";
import { authType } from "../config/postgres-conf.ts";
import type { AuthMethod, PoolMode } from "../options.ts";
import type { ResolvedPooler } from "../provision/resolution.ts";
import type { Certificates } from "../tls.ts";
import { runnableBy } from "./account.ts";
import type { LogFile } from "./log.ts";
import { LOOPBACK } from "./port.ts";
import { openServer, type Server } from "./server.ts";
import type { Workspace } from "./workspace.ts";

/** Role of the admin console. */
export const ADMIN_USER = "pgbouncer";

/** What a pooler is configured with. */
export interface PoolerSetup {
  readonly found: ResolvedPooler;
  readonly workspace: Workspace;
  readonly log: LogFile;
  readonly postgres: { readonly host: string; readonly port: number };
  readonly databases: readonly string[];
  readonly poolMode: PoolMode;
  readonly poolSize: number;
  readonly auth: AuthMethod;
  /** Role → password. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Role → what the user list holds. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly adminPassword: string;
  readonly adminSecret: string;
  readonly port?: number | undefined;
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly certificates?: Certificates | undefined;
  /** CA of PostgreSQL's certificate. */
  readonly serverCaFile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The alias of a database whose clients keep one server connection for their whole session. */
export function sessionAlias(database: string): string {
  return `${database}_session`;
}

/** Name of the database that is no database but the console. */
export const adminDatabase = { pgbouncer: "pgbouncer", odyssey: "console" } as const;

/** Writes the configuration for this very version and starts the pooler in the foreground (10 to 30 ms). */
export async function openPooler(setup: PoolerSetup): Promise<Server> {
  const { found, workspace } = setup;
  const file = await runnableBy(workspace.account, {
    file: found.bin,
    tree: dirname(found.bin),
    into: workspace.dir,
  });
  const isOdyssey = found.kind === "odyssey";
  const config = join(workspace.dir, isOdyssey ? "odyssey.conf" : "pgbouncer.ini");
  return openServer({
    what: `${isOdyssey ? "Odyssey" : "PgBouncer"} ${found.version}`,
    failure: "testbed/pooler-start-failed",
    port: setup.port,
    configure: (port) =>
      isOdyssey ? configureOdyssey(setup, port) : configurePgbouncer(setup, port),
    command: {
      file,
      args: [config],
      cwd: workspace.dir,
      account: workspace.account,
      log: setup.log,
      janitor: workspace.janitor,
      ready: isOdyssey ? /listening on/ : /process up/,
      // SIGTERM waits for clients since 1.23; SIGINT waits for transactions.
      stopSignal: isOdyssey ? "SIGTERM" : "SIGQUIT",
      signal: setup.signal,
    },
  });
}

async function configurePgbouncer(setup: PoolerSetup, port: number): Promise<void> {
  const { workspace, postgres, certificates, serverCaFile, settings } = setup;
  const admin = { [ADMIN_USER]: setup.adminSecret };
  const authFile = await workspace.write("users.txt", userList({ ...admin, ...setup.secrets }));
  const ini = pgbouncerIni({
    version: setup.found.version,
    listenAddress: LOOPBACK,
    listenPort: port,
    aliases: setup.databases.flatMap((database) => [
      { alias: database, ...postgres, database },
      { alias: sessionAlias(database), ...postgres, database, poolMode: "session" },
    ]),
    authType: authType[setup.auth],
    authFile,
    adminUser: ADMIN_USER,
    poolMode: setup.poolMode,
    poolSize: setup.poolSize,
    ...(certificates && { tls: certificates }),
    ...(serverCaFile !== undefined && { serverCaFile }),
    ...(settings && { settings }),
  });
  await workspace.write("pgbouncer.ini", ini);
}

async function configureOdyssey(setup: PoolerSetup, port: number): Promise<void> {
  const { workspace, certificates, serverCaFile, settings } = setup;
  const conf = odysseyConf({
    host: LOOPBACK,
    port,
    postgres: setup.postgres,
    aliases: setup.databases.flatMap((database) => [
      { alias: database, database, poolMode: setup.poolMode },
      { alias: sessionAlias(database), database, poolMode: "session" },
    ]),
    users: setup.passwords,
    admin: { user: ADMIN_USER, password: setup.adminPassword },
    auth: setup.auth,
    poolSize: setup.poolSize,
    ...(certificates && { tls: certificates }),
    ...(serverCaFile !== undefined && { serverCaFile }),
    ...(settings && { settings }),
  });
  await workspace.write("odyssey.conf", conf);
}

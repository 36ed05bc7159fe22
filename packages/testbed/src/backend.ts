import { join } from "node:path";
import { ask } from "./ask.ts";
import { md5Verifier, scramVerifier } from "./wire/scram.ts";
import { defaultCacheDir } from "./provision/cache.ts";
import type { ResolvedPostgres } from "./provision/resolution.ts";
import type { StartContext } from "./run/context.ts";
import { SUPERUSER } from "./run/cluster.ts";
import { openLog, type LogFile } from "./run/log.ts";
import { LOOPBACK } from "./run/port.ts";
import { openPostgres, populate, versionOfRow } from "./run/postgres.ts";
import type { Server } from "./run/server.ts";
import { parseUrl } from "./urls.ts";
import type { SimpleTarget } from "./wire/simple-client.ts";

/** The PostgreSQL of a testbed, ours or somebody's. */
export interface Backend {
  readonly host: string;
  readonly port: number;
  readonly version: string;
  /** Asked with all rights that we have. */
  readonly superuser: SimpleTarget;
  /** Role → password, as clients log in. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Role → what a pooler's user list holds. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Databases that get an alias; the first is the one that URLs name. */
  readonly databases: readonly string[];
  /** The role that URLs name. */
  readonly user: string;
  /** As given, with whatever parameters it has. */
  readonly givenUrl?: string;
  readonly caFile?: string;
  /** Only of a server of our own. */
  readonly own?: { readonly server: Server; readonly log: LogFile; readonly source: string };
}

/** Starts PostgreSQL, or looks up the one whose URL was given. */
export function openBackend(context: StartContext): Promise<Backend> {
  const { postgres } = context.found;
  const url = context.options.postgres?.url;
  if (postgres !== undefined) return ownBackend(context, postgres);
  return givenBackend(context, url ?? "");
}

async function givenBackend({ checked }: StartContext, url: string): Promise<Backend> {
  const target = parseUrl("postgres.url", url);
  const { user, password, host, port, database } = target;
  return {
    host,
    port,
    version: await versionAt(target),
    superuser: target,
    passwords: { [user]: password },
    // A verifier would have to be the one that this server keeps; plain text fits any.
    secrets: { [user]: password },
    databases: [...new Set([database, ...checked.databases.slice(1)])],
    user,
    givenUrl: url,
  };
}

async function ownBackend(context: StartContext, found: ResolvedPostgres): Promise<Backend> {
  const { options, checked, workspace, certificates, defer } = context;
  const { signal, onProgress } = options;
  const log = openLog(join(workspace.dir, "postgres.log"));
  defer(() => log.close());
  onProgress?.({ step: "start-postgres", detail: `PostgreSQL ${found.version}, ${found.source}` });
  const server = await openPostgres({
    found,
    workspace,
    log,
    auth: checked.auth,
    cacheDir: options.cacheDir ?? (await defaultCacheDir()),
    port: options.postgres?.port,
    ...(options.postgres?.settings && { settings: options.postgres.settings }),
    certificates,
    signal,
  });
  defer(() => server.stop());
  onProgress?.({ step: "create-database", detail: checked.databases.join(", ") });
  const secrets = Object.fromEntries(
    Object.entries(checked.passwords).map(([user, password]) => [user, secretOf(user, password)]),
  );
  const superuser: SimpleTarget = {
    host: LOOPBACK,
    port: server.port,
    user: SUPERUSER,
    password: checked.password,
    database: SUPERUSER,
  };
  const version = await populate(
    { port: server.port, superuserSecret: secretOf(SUPERUSER, checked.password) },
    { owner: checked.user, secrets, databases: checked.databases },
  );
  return {
    host: LOOPBACK,
    port: server.port,
    version,
    superuser,
    passwords: checked.passwords,
    secrets,
    databases: checked.databases,
    user: checked.user,
    ...(certificates && { caFile: certificates.caFile }),
    own: { server, log, source: found.source },
  };

  function secretOf(user: string, password: string): string {
    if (checked.auth === "scram") return scramVerifier(password);
    return checked.auth === "md5" ? md5Verifier(user, password) : password;
  }
}

async function versionAt(target: SimpleTarget): Promise<string> {
  const [row] = await ask(target, "SHOW server_version", "testbed/sql-failed");
  return versionOfRow(row);
}

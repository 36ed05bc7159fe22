import { join } from "node:path";
import { ask } from "./ask.ts";
import type { Backend } from "./backend.ts";
import { versionIn } from "./config/version.ts";
import { md5Verifier, scramVerifier } from "./wire/scram.ts";
import type { PoolerKind, PoolerOptions } from "./options.ts";
import type { ResolvedPooler } from "./provision/resolution.ts";
import type { StartContext } from "./run/context.ts";
import { openLog, type LogFile } from "./run/log.ts";
import { adminDatabase, ADMIN_USER, openPooler, sessionAlias } from "./run/pooler.ts";
import { LOOPBACK } from "./run/port.ts";
import type { Server } from "./run/server.ts";
import { formatUrl, parseUrl, withAdmin, type TestbedUrls } from "./urls.ts";
import type { SimpleTarget } from "./wire/simple-client.ts";

/** What clients connect to: our pooler, somebody's, or PostgreSQL itself. */
export interface Front {
  readonly version?: string;
  readonly admin?: SimpleTarget;
  urlsFor(database: string, user: string): TestbedUrls;
  /** Only of a pooler of our own. */
  readonly own?: {
    readonly server: Server;
    readonly log: LogFile;
    readonly source: string;
    readonly kind: PoolerKind;
  };
}

/** Starts the pooler, or takes the one whose URL was given, or none. */
export function openFront(context: StartContext, backend: Backend): Promise<Front> {
  const { pooler = {} } = context.options;
  if (pooler === false) return Promise.resolve(noFront(backend));
  const { pooler: found } = context.found;
  if (found !== undefined) return ownFront(context, backend, found, pooler);
  return givenFront(backend, pooler);
}

function directUrl(backend: Backend, database: string, user: string): string {
  const isFirst = database === backend.databases[0] && user === backend.user;
  if (isFirst && backend.givenUrl !== undefined) return backend.givenUrl;
  const { host, port, caFile } = backend;
  return formatUrl({ host, port, user, password: backend.passwords[user] ?? "", database, caFile });
}

function noFront(backend: Backend): Front {
  return {
    urlsFor(database, user) {
      const direct = directUrl(backend, database, user);
      return withAdmin({ pooled: direct, session: direct, direct }, undefined);
    },
  };
}

async function givenFront(
  backend: Backend,
  { url = "", sessionUrl, adminUrl }: PoolerOptions,
): Promise<Front> {
  const admin = adminUrl === undefined ? undefined : parseUrl("pooler.adminUrl", adminUrl);
  const version = admin && (await versionAt(admin));
  return {
    ...(admin && { admin }),
    ...(version !== undefined && { version }),
    urlsFor(database, user) {
      const direct = directUrl(backend, database, user);
      return withAdmin({ pooled: url, session: sessionUrl ?? direct, direct }, adminUrl);
    },
  };
}

async function ownFront(
  context: StartContext,
  backend: Backend,
  found: ResolvedPooler,
  options: PoolerOptions,
): Promise<Front> {
  const { checked, workspace, certificates, defer } = context;
  const { onProgress, signal } = context.options;
  const log = openLog(join(workspace.dir, "pooler.log"));
  defer(() => log.close());
  onProgress?.({ step: "start-pooler", detail: `${found.kind} ${found.version}, ${found.source}` });
  const server = await openPooler({
    found,
    workspace,
    log,
    postgres: { host: backend.host, port: backend.port },
    databases: backend.databases,
    poolMode: checked.poolMode,
    poolSize: checked.poolSize,
    auth: checked.auth,
    passwords: backend.passwords,
    secrets: backend.secrets,
    adminPassword: checked.password,
    adminSecret: adminSecret(),
    port: options.port,
    ...(options.settings && { settings: options.settings }),
    certificates,
    serverCaFile: backend.caFile,
    signal,
  });
  defer(() => server.stop());
  const { port } = server;
  const admin: SimpleTarget = {
    host: LOOPBACK,
    port,
    user: ADMIN_USER,
    password: checked.password,
    database: adminDatabase[found.kind],
    tls: certificates !== undefined,
  };
  const caFile = certificates?.caFile;
  return {
    admin,
    version: (await versionAt(admin)) ?? found.version,
    own: { server, log, source: found.source, kind: found.kind },
    urlsFor(database, user) {
      const password = backend.passwords[user] ?? "";
      const through = (alias: string): string =>
        formatUrl({ host: LOOPBACK, port, user, password, database: alias, caFile });
      return withAdmin(
        {
          pooled: through(database),
          session: through(sessionAlias(database)),
          direct: directUrl(backend, database, user),
        },
        formatUrl({ ...admin, caFile }),
      );
    },
  };

  function adminSecret(): string {
    if (checked.auth === "scram") return scramVerifier(checked.password);
    return checked.auth === "md5" ? md5Verifier(ADMIN_USER, checked.password) : checked.password;
  }
}

/** `SHOW VERSION` is answered with a row by PgBouncer from 1.18 and by Odyssey. */
async function versionAt(admin: SimpleTarget): Promise<string | undefined> {
  const [row] = await ask(admin, "SHOW VERSION", "testbed/admin-command-failed");
  return versionIn(Object.values(row ?? {}).join(" "));
}

import { ask } from "./ask.ts";
import { openBackend, type Backend } from "./backend.ts";
import { checkOptions } from "./check-options.ts";
import { TestbedError } from "./errors.ts";
import { openFront, type Front } from "./front.ts";
import { readLogs, type TestbedLogs } from "./logs.ts";
import type { PoolerKind, TestbedOptions } from "./options.ts";
import { resolvePooler } from "./provision/pooler.ts";
import { resolvePostgres } from "./provision/postgres.ts";
import { orThrow } from "./provision/resolution.ts";
import { throwIfAborted } from "./run/command.ts";
import type { FoundServers } from "./run/context.ts";
import { requirePort } from "./run/port.ts";
import type { Server } from "./run/server.ts";
import { openWorkspace } from "./run/workspace.ts";
import { makeCertificates } from "./tls.ts";
import { noAdminConsole, type TestbedUrls } from "./urls.ts";
import type { TextRow } from "./wire/simple-client.ts";

/** Servers as they themselves say. */
export interface TestbedVersions {
  /** `SHOW server_version`: "17.10". */
  readonly postgres: string;
  /** `SHOW VERSION` of the admin console: "1.24.1". Absent without a console to ask. */
  readonly pooler?: string;
}

/** A server that this testbed started. */
export interface TestbedServer {
  readonly port: number;
  /** In words: where the program came from. */
  readonly source: string;
  /** Process id, to freeze or kill it in a test; `undefined` while it is stopped. */
  readonly pid: number | undefined;
}

/** The pooler that this testbed started. */
export interface TestbedPooler extends TestbedServer {
  readonly kind: PoolerKind;
}

/** A PostgreSQL and a pooler, running. Everything goes away with {@link Testbed.stop}. */
export interface Testbed extends AsyncDisposable {
  /** Of the first database and its owner. */
  readonly urls: TestbedUrls;
  readonly versions: TestbedVersions;
  /** Absent when `postgres.url` was given. */
  readonly postgres?: TestbedServer;
  /** Absent when `pooler` was `false` or `pooler.url` was given. */
  readonly pooler?: TestbedPooler;
  /** Path of the CA that signed both servers' certificate; absent without `tls`. */
  readonly caFile?: string;
  readonly logs: TestbedLogs;
  /** URLs of another database, or of another role of `users`. */
  urlsFor(choice: { readonly database?: string; readonly user?: string }): TestbedUrls;
  /**
   * Runs a command of the admin console (`SHOW CLIENTS`, `SET query_timeout = '1'`, `PAUSE`) over a
   * connection of its own, which the console lists too, as `doorpolicy-testbed`.
   *
   * Throws `testbed/admin-command-failed`, `testbed/no-admin-console`.
   */
  admin(command: string): Promise<TextRow[]>;
  /**
   * Asks PostgreSQL itself, past the pooler, as superuser (with `postgres.url`: as that role), over a
   * connection of its own. Throws `testbed/sql-failed`.
   */
  sql(text: string, database?: string): Promise<TextRow[]>;
  /** Ends the pooler at once; every client is cut off. */
  stopPooler(): Promise<void>;
  /** Starts it again on the same port, with the same configuration. */
  startPooler(): Promise<void>;
  restartPooler(): Promise<void>;
  /** Ends PostgreSQL at once (fast shutdown); what was committed stays. */
  stopPostgres(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  startPostgres(): Promise<void>;
  restartPostgres(): Promise<void>;
  /** Ends both servers and removes their files. May be called again; resolves when all is gone. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL and a pooler in front of it, on the loopback, from an empty cluster, as processes
 * of this user (as `nobody` when this user is root). Nothing is installed and no Docker is needed. They
 * are gone after {@link Testbed.stop}, and also when this process is killed.
 *
 * A running testbed keeps the process alive, as a listening server does.
 *
 * Throws {@link TestbedError}: `testbed/download-not-allowed`, `testbed/version-unavailable`,
 * `testbed/port-in-use` and the other codes say why it cannot stand.
 */
export async function startTestbed(options: TestbedOptions = {}): Promise<Testbed> {
  if (process.platform === "win32") {
    throw new TestbedError(
      "testbed/unsupported-platform",
      "The testbed starts its servers with sh, and Windows has none.",
      "Run the tests in WSL, or start the compose file of the repository's docker folder.",
    );
  }
  const checked = checkOptions(options);
  throwIfAborted(options.signal);
  const undoing: (() => Promise<void> | void)[] = [];
  const undo = async (): Promise<void> => {
    for (let last = undoing.pop(); last !== undefined; last = undoing.pop()) await last();
  };
  const defer = (step: () => Promise<void> | void): void => void undoing.push(step);
  try {
    const found = await findServers(options);
    await requirePorts(options);
    const workspace = await openWorkspace();
    defer(() => workspace.close());
    if (checked.tls) options.onProgress?.({ step: "make-certificates" });
    const certificates = checked.tls
      ? await makeCertificates(workspace, options.signal)
      : undefined;
    const context = { options, checked, found, workspace, certificates, defer };
    const backend = await openBackend(context);
    const front = await openFront(context, backend);
    throwIfAborted(options.signal);
    options.onProgress?.({ step: "ready" });
    return testbedOf(backend, front, certificates?.caFile, undo);
  } catch (error) {
    await undo();
    throw error;
  }
}

/** Both are found before either is started: what cannot be had is said at once. */
async function findServers(options: TestbedOptions): Promise<FoundServers> {
  const { postgres = {}, pooler = {} } = options;
  const wantsPooler = pooler !== false && pooler.url === undefined;
  return {
    ...(postgres.url === undefined && {
      postgres: orThrow(await resolvePostgres({ ...options, ...postgres })),
    }),
    ...(wantsPooler && { pooler: orThrow(await resolvePooler({ ...options, ...pooler })) }),
  };
}

/** Ports asked for by number are looked at before the seconds that a start takes. */
async function requirePorts({ postgres, pooler }: TestbedOptions): Promise<void> {
  const poolerPort = pooler === false ? undefined : pooler?.port;
  if (postgres?.port !== undefined) await requirePort(postgres.port, "PostgreSQL");
  if (poolerPort !== undefined) await requirePort(poolerPort, "The pooler");
}

function testbedOf(
  backend: Backend,
  front: Front,
  caFile: string | undefined,
  undo: () => Promise<void>,
): Testbed {
  const [database = ""] = backend.databases;
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= undo());
  const controls = (server: Server | undefined, what: "pooler" | "postgres") => {
    const owned = (): Server => {
      if (server === undefined) throw notOwned(what);
      if (stopping !== undefined) throw stopped();
      return server;
    };
    const restart = async (): Promise<void> => {
      await owned().stop();
      await owned().start();
    };
    return {
      stop: async (): Promise<void> => owned().stop(),
      start: async (): Promise<void> => owned().start(),
      restart,
    };
  };
  const pooler = controls(front.own?.server, "pooler");
  const postgres = controls(backend.own?.server, "postgres");
  return {
    urls: front.urlsFor(database, backend.user),
    versions: {
      postgres: backend.version,
      ...(front.version !== undefined && { pooler: front.version }),
    },
    ...(backend.own && { postgres: serverView(backend.own) }),
    ...(front.own && { pooler: Object.assign(serverView(front.own), { kind: front.own.kind }) }),
    ...(caFile !== undefined && { caFile }),
    logs: readLogs({
      ...(backend.own && { postgres: backend.own.log }),
      ...(front.own && { pooler: front.own.log }),
    }),
    urlsFor: (choice) => {
      const { database: name = database, user = backend.user } = choice;
      if (!backend.databases.includes(name)) throw unknownName("database", name);
      if (!(user in backend.passwords)) throw unknownName("user", user);
      return front.urlsFor(name, user);
    },
    async admin(command) {
      if (front.admin === undefined) throw noAdminConsole();
      return ask(front.admin, command, "testbed/admin-command-failed");
    },
    sql: (text, name) =>
      ask({ ...backend.superuser, database: name ?? database }, text, "testbed/sql-failed"),
    stopPooler: pooler.stop,
    startPooler: pooler.start,
    restartPooler: pooler.restart,
    stopPostgres: postgres.stop,
    startPostgres: postgres.start,
    restartPostgres: postgres.restart,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function serverView({ server, source }: { server: Server; source: string }): TestbedServer {
  return {
    port: server.port,
    source,
    get pid() {
      return server.pid();
    },
  };
}

function notOwned(what: "pooler" | "postgres"): TestbedError {
  const name = what === "pooler" ? "pooler" : "PostgreSQL";
  return new TestbedError(
    `testbed/${what}-not-owned`,
    `This testbed did not start the ${name}, so it neither stops nor starts it.`,
    `Leave \`${what}.url\` out to have one started here.`,
  );
}

function stopped(): TestbedError {
  return new TestbedError(
    "testbed/stopped",
    "This testbed has been stopped, and its files are gone.",
    "Start a new one with `startTestbed()`.",
  );
}

function unknownName(option: "database" | "user", name: string): TestbedError {
  return new TestbedError(
    "testbed/invalid-option",
    `This testbed has no ${option} "${name}".`,
    `Add it to \`${option}s\` when the testbed is started.`,
  );
}

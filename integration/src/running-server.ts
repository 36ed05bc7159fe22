import { startTestbed, type Testbed, type TestbedOptions } from "@doorpolicy/testbed";
import pg from "pg";
import type { Row } from "./client.ts";
import { eventually } from "./expect.ts";
import type { ServerSpec } from "./server.ts";
import { type LoggedStatement, mostConnectedIn, OBSERVER, statementsIn } from "./server-log.ts";
import { CREATE_TABLES, EMPTY_TABLES } from "./tables.ts";

/** Server connections per database, unless a scenario asks for fewer. */
const POOL_SIZE = 20;

/** A connection of a client, as whoever it is connected to sees it. */
interface SeenConnection {
  readonly database: string;
  readonly applicationName: string;
}

/** A session in Postgres itself: a pooler's server connection, or a client on the direct lane. */
export interface Session {
  readonly pid: number;
  readonly applicationName: string;
  /** `active`, `idle`, `idle in transaction`, `idle in transaction (aborted)`. */
  readonly state: string;
  readonly query: string;
}

/** Servers of one spec, and the verbs with which scenarios ask them. */
export interface RunningServer extends AsyncDisposable {
  readonly spec: ServerSpec;
  readonly versions: { readonly postgres: string; readonly pooler?: string };
  /** What clients connect to. */
  readonly url: string;
  readonly directUrl: string;
  /** Another way to the same database that the server can tell from `url` by its name. */
  readonly replicaUrl: string;
  /** Open connections of clients: the pooler is asked, or Postgres where there is none. */
  connections(): Promise<readonly SeenConnection[]>;
  /** Postgres' sessions, the observer left out. */
  sessions(): Promise<readonly Session[]>;
  /** Asks Postgres around the pooler and around every client. */
  rows(sql: string): Promise<readonly Row[]>;
  /** Kills a backend, as an administrator or a failover does. */
  terminate(pid: number): Promise<void>;
  /** Ends every connection, empties the tables, and sets how many server connections the pooler has. */
  reset(poolSize?: number): Promise<void>;
  /** Ends the pooler at once; every client is cut off. */
  stopPooler(): Promise<void>;
  /** Starts it again on its port; nothing happens while it runs. */
  startPooler(): Promise<void>;
  isPoolerRunning(): boolean;
  /** Tells the pooler to end, in whatever way the signal means. */
  signalPooler(signal: NodeJS.Signals): void;
  /** Changes settings of the pooler, until the result is disposed of; does nothing where there is none. */
  setPooler(settings: Readonly<Record<string, string | number>>): Promise<AsyncDisposable>;
  /** Ends Postgres at once (fast shutdown): every session is ended, what was committed stays. */
  stopPostgres(): Promise<void>;
  /** Starts it again, and resolves when it can be asked. */
  startPostgres(): Promise<void>;
  restartPostgres(): Promise<void>;
  /** Begins a span of the servers' logs; calling the result ends it and gives its text. */
  markLogs(): () => string;
  /** Statements that Postgres has received since, without the pooler's own, oldest first. */
  markStatements(): () => Promise<readonly LoggedStatement[]>;
  /** The most clients that the pooler has had connected at one time since, by its own log. */
  markClients(): () => Promise<number>;
}

/** Starts the servers of a spec on ports that the kernel chooses. */
export async function startServer(
  spec: ServerSpec,
  { allowDownload }: { allowDownload: boolean },
): Promise<RunningServer> {
  const testbed = await startTestbed({
    allowDownload,
    postgres: {
      version: spec.postgres,
      settings: { log_statement: "all", log_line_prefix: "%a|%p|", max_connections: 120 },
    },
    ...poolerOf(spec),
  });
  try {
    return await observe(spec, testbed);
  } catch (error) {
    await testbed.stop();
    throw error;
  }
}

/** Odyssey reads its pool's size from its file alone, and 1 is what its scenarios ask for. */
function poolerOf({ pgbouncer, odyssey }: ServerSpec): Pick<TestbedOptions, "pooler" | "poolSize"> {
  if (odyssey !== undefined) return { pooler: { kind: "odyssey", version: odyssey }, poolSize: 1 };
  return {
    pooler: pgbouncer === undefined ? false : { version: pgbouncer },
    poolSize: POOL_SIZE,
  };
}

async function observerOf(url: string): Promise<pg.Client> {
  const observer = new pg.Client({ connectionString: url, application_name: OBSERVER });
  observer.on("error", () => {});
  await observer.connect();
  return observer;
}

async function observe(spec: ServerSpec, testbed: Testbed): Promise<RunningServer> {
  const { urls } = testbed;
  let observer = await observerOf(urls.direct);
  await observer.query(CREATE_TABLES);
  const pooled = spec.traits.has("pooler");
  /** It was told to end, and a scenario that failed has not brought it back. */
  let isPoolerDisturbed = false;
  let isPostgresAway = false;

  async function rows(sql: string): Promise<readonly Row[]> {
    return (await observer.query<Record<string, unknown>>(sql)).rows;
  }

  async function sessions(): Promise<readonly Session[]> {
    const found = await rows(`
      select pid, application_name, state, query from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid`);
    return found.map((row) => ({
      pid: Number(row["pid"]),
      applicationName: String(row["application_name"]),
      state: String(row["state"]),
      query: String(row["query"]),
    }));
  }

  async function connections(): Promise<readonly SeenConnection[]> {
    if (!pooled) {
      return (await sessions()).map(({ applicationName }) => ({ database: "", applicationName }));
    }
    const found = await testbed.admin("show clients");
    return found
      .filter((row) => row["database"] !== "pgbouncer")
      .map((row) => ({
        database: String(row["database"]),
        applicationName: String(row["application_name"]),
      }));
  }

  /** A plain client's scenario fails where it likes, between the end of a server and its return. */
  async function bringBack(): Promise<void> {
    if (isPostgresAway) await startPostgres();
    if (!isPoolerDisturbed) return;
    await testbed.stopPooler();
    await testbed.startPooler();
    isPoolerDisturbed = false;
  }

  async function reset(poolSize = POOL_SIZE): Promise<void> {
    await bringBack();
    if (spec.pgbouncer !== undefined) {
      await testbed.admin(`set default_pool_size = ${poolSize}`);
      for (const url of [urls.pooled, urls.session]) {
        const database = new URL(url).pathname.slice(1);
        // KILL drops clients and server connections at once and pauses; what a scenario left behind is gone.
        await testbed.admin(`kill ${database}`);
        await testbed.admin(`resume ${database}`);
      }
    }
    await rows(`
      select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()`);
    await rows(EMPTY_TABLES);
  }

  async function startPostgres(): Promise<void> {
    await testbed.startPostgres();
    observer = await observerOf(urls.direct);
    isPostgresAway = false;
  }

  async function stopPostgres(): Promise<void> {
    isPostgresAway = true;
    await observer.end();
    await testbed.stopPostgres();
  }

  const url = { transaction: urls.pooled, session: urls.session, none: urls.direct }[spec.poolMode];

  return {
    spec,
    versions: testbed.versions,
    url,
    directUrl: urls.direct,
    replicaUrl: url === urls.session ? urls.pooled : urls.session,
    connections,
    sessions,
    rows,
    async terminate(pid) {
      await rows(`select pg_terminate_backend(${pid})`);
    },
    reset,
    stopPooler() {
      isPoolerDisturbed = true;
      return testbed.stopPooler();
    },
    startPooler: () => testbed.startPooler(),
    isPoolerRunning: () => testbed.pooler?.pid !== undefined,
    signalPooler(signal) {
      isPoolerDisturbed = true;
      const pid = testbed.pooler?.pid;
      if (pid !== undefined) process.kill(pid, signal);
    },
    async setPooler(settings) {
      if (!pooled) return { [Symbol.asyncDispose]: () => Promise.resolve() };
      const config = await testbed.admin("show config");
      const before = config.filter(({ key }) => key != null && key in settings);
      for (const [key, value] of Object.entries(settings)) {
        await testbed.admin(`set ${key} = '${value}'`);
      }
      return {
        async [Symbol.asyncDispose]() {
          for (const { key, value } of before) await testbed.admin(`set ${key} = '${value}'`);
        },
      };
    },
    stopPostgres,
    startPostgres,
    async restartPostgres() {
      await stopPostgres();
      await startPostgres();
    },
    markLogs() {
      const mark = testbed.logs.mark();
      return () => testbed.logs.since(mark);
    },
    markStatements() {
      const mark = testbed.logs.mark();
      return async () => {
        const last = `select 'end of span ${performance.now()}'`;
        await rows(last);
        return eventually(() => {
          const text = testbed.logs.since(mark, "postgres");
          if (!text.includes(last)) throw new Error("The server's log is not written yet.");
          return statementsIn(text);
        });
      };
    },
    markClients() {
      const mark = testbed.logs.mark();
      const before = testbed.logs.since(undefined, "pooler");
      return async () => {
        // The console answers after everything that came before, so the log is complete by now.
        await testbed.admin("show version");
        return mostConnectedIn(testbed.logs.since(mark, "pooler"), before);
      };
    },
    async [Symbol.asyncDispose]() {
      await observer.end();
      await testbed.stop();
    },
  };
}

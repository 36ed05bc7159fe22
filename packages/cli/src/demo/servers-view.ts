import type { Client } from "pg";

import { pollUntil } from "../poll.ts";

/** The demo's own connection to Postgres; it is left out of everything that is counted. */
export const OBSERVER_NAME = "doorpolicy-demo";

/** The two places that are asked; nothing is taken from the services themselves. */
export interface Servers {
  /** A plain connection to Postgres, around the pooler. */
  readonly postgres: Client;
  /** Runs a command on the pooler's admin console. */
  readonly admin: (command: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** What a service leaves behind when all its requests are answered. */
export interface Leftovers {
  /** Client connections of the pooler that run no statement. */
  readonly idleClientConnections: number;
  /** Transactions that are open with no statement running. */
  readonly idleInTransaction: number;
}

/** One server connection as Postgres reports it. */
export interface Session {
  readonly name: string;
  readonly state: string;
  /**
   * True if the last statement was one of the services' on their table. PgBouncer's own
   * `SET application_name` is none: seen while it ran, its session had no name yet.
   */
  readonly ours: boolean;
  readonly sinceMs: number;
}

/** Everything that Postgres sees of the services. */
export async function sessionsOf({ postgres }: Servers): Promise<Session[]> {
  const { rows } = await postgres.query<Session>(
    `select application_name as name, coalesce(state, '') as state, query like '%"booking"%' as ours,
            (extract(epoch from clock_timestamp() - state_change) * 1000)::int as "sinceMs"
       from pg_stat_activity
      where datname = current_database() and backend_type = 'client backend'
        and application_name <> $1`,
    [OBSERVER_NAME],
  );

  return rows;
}

/** What is left of a service right now. */
export async function leftoversOf(servers: Servers): Promise<Leftovers> {
  const clients = await clientConnectionsOf(servers);
  const sessions = await sessionsOf(servers);
  const running = sessions.filter((session) => session.state === "active").length;

  return {
    idleClientConnections: Math.max(0, clients - running),
    idleInTransaction: sessions.filter(isIdleInTransaction).length,
  };
}

/** True for a session whose transaction is open while nothing runs, aborted ones included. */
export function isIdleInTransaction(session: Session): boolean {
  return session.state.startsWith("idle in transaction");
}

/** How many clients the pooler has, its own admin console left out. */
async function clientConnectionsOf({ admin }: Servers): Promise<number> {
  const clients = await admin("SHOW CLIENTS");

  return clients.filter((client) => client["database"] !== "pgbouncer").length;
}

/**
 * Waits until no client is connected, then has the pooler close its server connections too: what is
 * not committed by then is gone, and the next service finds no name of the last one.
 */
export async function untilNobodyIsLeft(servers: Servers, signal: AbortSignal): Promise<void> {
  const clients = await pollUntil(
    () => clientConnectionsOf(servers),
    (count) => count === 0,
    10_000,
    signal,
  );
  await servers.admin("RECONNECT");
  const sessions = await pollUntil(
    () => sessionsOf(servers),
    (open) => open.length === 0,
    10_000,
    signal,
  );
  if (clients > 0 || sessions.length > 0) {
    throw new Error(
      `${clients} client connections and ${sessions.length} server connections are still open 10 s after the service has ended.`,
    );
  }
}

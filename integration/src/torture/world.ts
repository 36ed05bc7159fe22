import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import { type FaultProxy, startFaultProxy, startTestbed, type Testbed } from "@doorpolicy/testbed";
import pg from "pg";
import type { OpenClient } from "../client.ts";
import { pgClient } from "../clients/pg.ts";
import { prisma7 } from "../clients/prisma-7.ts";
import { typeorm1 } from "../clients/typeorm-1.ts";
import { CREATE_TABLES } from "../tables.ts";
import { COUNTERS } from "./make-plan.ts";
import type { TortureClient } from "./plan.ts";

const CLIENTS = { pg: pgClient, "typeorm-1": typeorm1, "prisma-7": prisma7 } as const;

/** Server connections of the pooler: fewer than units that run at once, so that they meet. */
const POOL_SIZE = 2;

/** A `COMMIT` of a transaction with such an audit note takes a while. */
export const SLOW_NOTE = "slow";

/** The number that is taken: to insert it again is an error. */
export const TAKEN = "taken";

const TABLES = `${CREATE_TABLES}
  create function slow_commit() returns trigger language plpgsql as
    $$ begin perform pg_sleep(0.15); return null; end $$;
  create constraint trigger slow_commit after insert on audit
    deferrable initially deferred for each row
    when (new.note = '${SLOW_NOTE}') execute function slow_commit();
  insert into invoice (number) values ('${TAKEN}');
  insert into invoice (number) select 'counter:' || n from generate_series(0, ${COUNTERS - 1}) as n;
`;

/** One client of each kind. */
export type ClientSet = Readonly<Record<TortureClient, OpenClient>>;

/** Units that run one after another, and their own clients behind their own proxy. */
export interface Lane {
  readonly proxy: FaultProxy;
  readonly clients: ClientSet;
}

/** Servers, clients and somebody who looks on. */
export interface TortureWorld extends AsyncDisposable {
  readonly bed: Testbed;
  readonly observer: pg.Client;
  readonly shared: ClientSet;
  readonly impatient: ClientSet;
  readonly lanes: readonly Lane[];
  /** How often each rule was reported. */
  readonly reports: Map<string, number>;
  /** Closes the clients; the servers stay. */
  closeClients(): Promise<void>;
}

/** Starts the servers and opens the clients. */
export async function openWorld(
  pooler: string,
  lanes: number,
  allowDownload: boolean,
): Promise<TortureWorld> {
  const bed = await startTestbed({
    allowDownload,
    postgres: { version: "17", settings: { deadlock_timeout: "50ms", max_connections: 50 } },
    pooler: { version: pooler, settings: { log_connections: 0 } },
    poolSize: POOL_SIZE,
  });
  try {
    return await openIn(bed, pooler, lanes);
  } catch (error) {
    await bed.stop();
    throw error;
  }
}

async function openIn(bed: Testbed, pooler: string, laneCount: number): Promise<TortureWorld> {
  const observer = new pg.Client({ connectionString: bed.urls.direct, application_name: "judge" });
  await observer.connect();
  await observer.query(TABLES);

  const reports = new Map<string, number>();
  const policy = (url: string, more: Policy = {}): Policy => ({
    extends: definePolicy({
      mode: "enforce",
      naming: { app: "torture", user: "suite", host: "here" },
      targets: { main: { pooler: { kind: "pgbouncer", version: pooler }, pooled: url } },
      connections: { acquireTimeoutMs: 5_000 },
      transaction: { lockTimeoutMs: 4_000 },
      units: { stallMs: 500, settleTimeoutMs: 300 },
      onViolation: ({ rule }: Violation) => void reports.set(rule, (reports.get(rule) ?? 0) + 1),
    }),
    ...more,
  });

  async function openClients(url: string, more?: Policy): Promise<ClientSet> {
    const open = (client: TortureClient): Promise<OpenClient> =>
      CLIENTS[client].open({
        url,
        own: {},
        guarding: {
          guarded: true,
          policy: definePolicy(policy(url, more)),
          choice: {},
          violations: [],
        },
      });
    return {
      pg: await open("pg"),
      "typeorm-1": await open("typeorm-1"),
      "prisma-7": await open("prisma-7"),
    };
  }

  const impatient: Policy = {
    connections: { acquireTimeoutMs: 1_500, heldIdleWarnMs: 200, heldIdleReclaimMs: 350 },
    transaction: { idleTimeoutMs: 300, lockTimeoutMs: 0, timeoutMs: 10_000 },
  };
  const shared = await openClients(bed.urls.pooled);
  const impatientSet = await openClients(bed.urls.pooled, impatient);
  const lanes: Lane[] = [];
  for (let lane = 0; lane < laneCount; lane += 1) {
    const proxy = await startFaultProxy({ target: bed.urls.pooled, transcript: 0 });
    lanes.push({ proxy, clients: await openClients(proxy.url(bed.urls.pooled)) });
  }
  return {
    bed,
    observer,
    reports,
    shared,
    impatient: impatientSet,
    lanes,
    async closeClients() {
      const sets = [shared, impatientSet, ...lanes.map(({ clients }) => clients)];
      await Promise.all(sets.flatMap((set) => Object.values(set).map((client) => client.close())));
    },
    async [Symbol.asyncDispose]() {
      await observer.end();
      await Promise.all(lanes.map(({ proxy }) => proxy.stop()));
      await bed.stop();
    },
  };
}

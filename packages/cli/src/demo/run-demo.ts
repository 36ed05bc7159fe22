import { pollUntil } from "../poll.ts";
import { badDay, requestsOf } from "./day.ts";
import type { DemoReport, ServiceStory } from "./demo-report.ts";
import { sendDay } from "./load.ts";
import type { Answer } from "./messages.ts";
import type { Orm } from "./service.ts";
import { startService } from "./service-process.ts";
import { leftoversOf, type Leftovers, type Servers, untilNobodyIsLeft } from "./servers-view.ts";
import { type Seen, startWatch } from "./watch.ts";

/** How long after its last answer a service may take to leave nothing open. */
const SETTLE_MS = 3_000;

/** What a demo runs against, and whom it tells about its progress. */
export interface DemoOptions {
  readonly servers: Servers;
  readonly versions: DemoReport["servers"];
  /** URL of the pooler, in transaction mode. */
  readonly pooledUrl: string;
  readonly onProgress: (text: string) => void;
  /** Gives up: the service that runs is killed, and {@link runDemo} rejects. */
  readonly signal: AbortSignal;
}

/** Runs the two services one after the other, first as everybody does it and then with the policy. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  await options.servers.postgres.query(
    `create table if not exists booking (
       id serial primary key, request text not null, service text not null, unique (service, request))`,
  );

  return {
    servers: options.versions,
    without: {
      typeorm: await runOne(options, "typeorm", false),
      prisma: await runOne(options, "prisma", false),
    },
    with: {
      typeorm: await runOne(options, "typeorm", true),
      prisma: await runOne(options, "prisma", true),
    },
  };
}

async function runOne(options: DemoOptions, orm: Orm, policy: boolean): Promise<ServiceStory> {
  const { servers, signal } = options;
  signal.throwIfAborted();
  options.onProgress(`${titles[orm]}, ${policy ? "with the policy" : "as everybody does it"}`);
  const name = policy ? `booking-${orm}` : `plain-${orm}`;
  const service = await startService({
    orm,
    policy,
    service: name,
    poolerVersion: options.versions.pgbouncer,
    url: options.pooledUrl,
    signal,
  });

  const watch = startWatch(servers);
  let answers: readonly Answer[] = [];
  let leftovers: Leftovers = { idleClientConnections: 0, idleInTransaction: 0 };
  let seen: Seen = { names: [], longestIdleInTransactionMs: 0 };
  try {
    answers = await sendDay(badDay, service.port);
    leftovers = await pollUntil(
      () => leftoversOf(servers),
      (left) => left.idleClientConnections === 0 && left.idleInTransaction === 0,
      SETTLE_MS,
      signal,
    );
    seen = await watch.stop();
  } finally {
    await service.stop();
  }
  await untilNobodyIsLeft(servers, signal);

  const durable = await rowsOf(servers, name);
  const acknowledged = answers.flatMap((answer) => answer.acknowledged);
  const leftOpen = answers.flatMap((answer) => answer.leftOpen);

  return {
    result: {
      requests: requestsOf(badDay).length,
      names: seen.names,
      ...leftovers,
      acknowledged: acknowledged.length,
      durable: durable.size,
      rolledBack: leftOpen.filter((row) => !durable.has(row)).length,
      violations: service.violations.length,
    },
    lost: acknowledged.filter((row) => !durable.has(row)).length,
    longestIdleInTransactionMs: seen.longestIdleInTransactionMs,
    rules: countsOf(service.violations),
  };
}

const titles: Readonly<Record<Orm, string>> = { typeorm: "TypeORM", prisma: "Prisma" };

async function rowsOf({ postgres }: Servers, service: string): Promise<ReadonlySet<string>> {
  const { rows } = await postgres.query<{ request: string }>(
    "select request from booking where service = $1",
    [service],
  );

  return new Set(rows.map((row) => row.request));
}

function countsOf(rules: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const rule of rules) counts[rule] = (counts[rule] ?? 0) + 1;

  return counts;
}

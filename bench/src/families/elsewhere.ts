import { existsSync } from "node:fs";
import type * as Pg from "pg";
import { maxUsesPool, ourPool, poolVariant, warmPool } from "../clients/pools.ts";
import {
  type Experiment,
  type Figure,
  metricOf,
  quotient,
  value,
  type Variant,
  type World,
} from "../method/experiment.ts";
import { cpuOfProcess, timeWaitAt } from "../servers/proc.ts";
import type { Login } from "../servers/servers.ts";

const ONE_CALLER = { callers: 1, count: 100 };
const FIFTY = { callers: 50, count: 400 };

/** Adds to what a load gives: what it cost PgBouncer's process, its log and the machine, per statement. */
const watched =
  (login: Login, pool: (url: string) => Pg.Pool, load: typeof ONE_CALLER) =>
  async ({ servers }: World): Promise<Variant> => {
    const bed = await servers.testbed(login);
    const variant = poolVariant(pool(bed.urls.pooled), load);
    const { pid = 0, port = 0 } = bed.pooler ?? {};
    return {
      async run() {
        const cpu = cpuOfProcess(pid);
        const sockets = timeWaitAt(port);
        const mark = bed.logs.mark();
        await variant.run();
        return {
          pooler: (cpuOfProcess(pid) - cpu) / load.count,
          timeWait: (timeWaitAt(port) - sockets) / load.count,
          log: bed.logs.since(mark, "pooler").length / load.count,
        };
      },
      [Symbol.asyncDispose]: () => variant[Symbol.asyncDispose](),
    };
  };

const skips = (): string | undefined =>
  existsSync("/proc/net/tcp") ? undefined : "only Linux tells what another process has used";

/** How many connects, one statement each, a single core of PgBouncer can serve. */
function logins(login: Login): Experiment {
  const figures: readonly Figure[] = [
    {
      name: `pgbouncer.logins.${login}`,
      what: `connects with one statement each that PgBouncer's one core serves, ${login}`,
      unit: "per second",
      needs: ["ours"],
      of: (round) => Math.round(1e6 / metricOf(round("ours"), "pooler")),
    },
    quotient(
      {
        name: `pgbouncer.cpu.callers1.${login}`,
        what: `PgBouncer's CPU per statement, ours / warm pg-pool, one caller, ${login}`,
      },
      { ours: "ours", base: "warm", metric: "pooler" },
    ),
  ];
  return {
    skips,
    rounds: { full: 15, quick: 3 },
    figures,
    variants: {
      ours: watched(login, (url) => ourPool(url, { lingerMs: 0 }), ONE_CALLER),
      warm: watched(login, warmPool, ONE_CALLER),
    },
  };
}

const perConnect = (variant: string, suffix: string, who: string): readonly Figure[] => [
  value(
    {
      name: `timeWait.${suffix}`,
      what: `sockets that one connect leaves in TIME_WAIT, ${who}`,
      unit: "per connect",
    },
    { variant, metric: "timeWait" },
  ),
  value(
    {
      name: `pgbouncer.log.${suffix}`,
      what: `bytes that PgBouncer logs for one connect, ${who}`,
      unit: "bytes",
    },
    { variant, metric: "log" },
  ),
];

const leftBehind: Experiment = {
  skips,
  rounds: { full: 9, quick: 3 },
  figures: [
    ...perConnect("ours", "ours", "ours"),
    ...perConnect("maxUses", "maxUses", "pg-pool with maxUses: 1"),
  ],
  variants: {
    ours: watched("scram", (url) => ourPool(url, { lingerMs: 0 }), ONE_CALLER),
    maxUses: watched("scram", maxUsesPool, ONE_CALLER),
  },
};

const underLoad: Experiment = {
  skips,
  rounds: { full: 15, quick: 3 },
  figures: [
    quotient(
      {
        name: "pgbouncer.cpu.callers50",
        what: "PgBouncer's CPU per statement, ours / warm pg-pool, 50 callers, SCRAM",
      },
      { ours: "ours", base: "warm", metric: "pooler" },
    ),
    value(
      {
        name: "pgbouncer.log.callers50",
        what: "bytes that PgBouncer logs per statement, ours, 50 callers",
        unit: "bytes",
      },
      { variant: "ours", metric: "log" },
    ),
  ],
  variants: {
    ours: watched("scram", (url) => ourPool(url), FIFTY),
    warm: watched("scram", warmPool, FIFTY),
  },
};

/** What it costs others when connections are not kept. */
export const elsewhere: readonly Experiment[] = [
  logins("trust"),
  logins("scram"),
  logins("tls"),
  leftBehind,
  underLoad,
];

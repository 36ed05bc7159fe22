import type * as Pg from "pg";
import { connectEachTime, warmPostgres } from "../clients/postgres-js.ts";
import { ourPool, maxUsesPool, poolVariant, warmPool } from "../clients/pools.ts";
import { rawSocketFloor } from "../clients/raw-socket.ts";
import {
  type Experiment,
  type Figure,
  quotient,
  uncontrolled,
  type Variant,
  type World,
} from "../method/experiment.ts";
import type { Goal } from "../method/goal.ts";
import type { Login } from "../servers/servers.ts";

/** Every lone statement pays for a connect; see `benchPolicy`. */
const NO_LINGER = { lingerMs: 0 };

/**
 * Statements of one round. Under load, enough of them that its first connects are what they are in a
 * service: rare. Where each statement connects, few give the same time per statement, sooner.
 */
const COUNT = { connecting: { 1: 40, 50: 100 }, kept: { 1: 60, 50: 8000 } } as const;

/** For a first look, in which the first connects weigh more. */
const MOST_QUICK = 2000;

interface Load {
  readonly callers: number;
  readonly count: number;
}

function of({ callers, count }: Load, { quick }: World): Load {
  return { callers, count: quick ? Math.min(count, MOST_QUICK) : count };
}

interface Against {
  readonly suffix: string;
  readonly what: string;
  /** @default "ours" */
  readonly subject?: string;
  readonly base: string;
  readonly goal?: Goal | undefined;
  readonly metric?: string;
}

/** A base that is dear to run has a twin only where a goal is judged by it. */
function figuresOf(name: string, title: string, against: readonly Against[]): readonly Figure[] {
  return against.map(({ suffix, what, subject = "ours", base, goal, metric = "time" }) =>
    (base === "warm" || goal !== undefined ? quotient : uncontrolled)(
      { name: `${name}${suffix}`, what: `${what}, ${title}`, ...(goal && { goal }) },
      { ours: subject, base, metric },
    ),
  );
}

function experiment(
  login: Login,
  callers: 1 | 50,
  goals: { readonly stock?: number; readonly warm?: number } = {},
): Experiment {
  const connecting = { callers, count: COUNT.connecting[callers] };
  const kept = { callers, count: COUNT.kept[callers] };
  const through =
    (pool: (url: string) => Pg.Pool, load: Load = kept) =>
    async (world: World): Promise<Variant> =>
      poolVariant(pool((await world.servers.testbed(login)).urls.pooled), of(load, world));
  const title = `${login === "tls" ? "SCRAM + TLS" : login}, ${callers} caller(s)`;
  const figures = figuresOf(`nullpool.${login}.callers${callers}`, title, [
    {
      suffix: "",
      what: "time, ours / pg-pool with maxUses: 1",
      base: "maxUses",
      goal: goals.stock === undefined ? undefined : { atMost: goals.stock },
    },
    {
      suffix: ".warm",
      what: "time, ours / warm pg-pool",
      base: "warm",
      goal: goals.warm === undefined ? undefined : { atMost: goals.warm },
    },
    {
      suffix: ".maxUses",
      what: "time, pg-pool with maxUses: 1 / warm pg-pool",
      subject: "maxUses",
      base: "warm",
    },
    { suffix: ".cpu", what: "CPU, ours / warm pg-pool", base: "warm", metric: "cpu" },
    { suffix: ".p99", what: "p99, ours / warm pg-pool", base: "warm", metric: "p99" },
    { suffix: ".postgresjs", what: "time, ours / postgres.js kept open", base: "postgresJs" },
  ]);
  return {
    rounds: { full: 31, quick: 3 },
    figures,
    variants: {
      ours: through((url) => ourPool(url, NO_LINGER)),
      maxUses: through(maxUsesPool, connecting),
      warm: through(warmPool),
      postgresJs: async (world) =>
        warmPostgres((await world.servers.testbed(login)).urls.pooled, of(kept, world)),
    },
  };
}

/** One caller against what it costs at least, and against another driver that connects each time. */
function floor(login: "trust" | "scram"): Experiment {
  const load = { callers: 1, count: 60 };
  const urlOf = async ({ servers }: World): Promise<string> =>
    (await servers.testbed(login)).urls.pooled;
  return {
    rounds: { full: 31, quick: 3 },
    figures: figuresOf(`connect.${login}`, `${login}, connect + statement + close`, [
      { suffix: ".floor", what: "time, ours / a bare socket with its keys known", base: "socket" },
      { suffix: ".postgresjs", what: "time, ours / postgres.js", base: "postgresJs" },
    ]),
    variants: {
      ours: async (world) => poolVariant(ourPool(await urlOf(world), NO_LINGER), load),
      socket: async (world) => rawSocketFloor(await urlOf(world), load),
      postgresJs: async (world) => connectEachTime(await urlOf(world), load),
    },
  };
}

/** What it costs to keep no idle connection. */
export const nullPool: readonly Experiment[] = [
  experiment("trust", 1),
  experiment("trust", 50),
  experiment("scram", 1, { stock: 0.22 }),
  experiment("scram", 50, { stock: 0.06, warm: 1.1 }),
  experiment("tls", 1, { stock: 0.45 }),
  experiment("tls", 50, { stock: 0.08 }),
  floor("trust"),
  floor("scram"),
];

import type * as Pg from "pg";
import { ourPool, STATEMENT, warmPool } from "../clients/pools.ts";
import { measureMemory } from "../children/measure-memory.ts";
import { openLoop } from "../load/open-loop.ts";
import {
  type Experiment,
  quotient,
  type Sample,
  value,
  type Variant,
  type World,
} from "../method/experiment.ts";
import { openPoolerView } from "../servers/clients-seen.ts";

const CALLERS = { callers: 5000, everyMs: 1000 };

/** As the policy names connections; those that the other variants keep open have no name. */
const OUR_NAME = /^bench:/;

/** Long enough for a thousand statements beyond the 99th percentile; a short one for a first look. */
const durationOf = ({ quick }: World): number => (quick ? 2000 : 6000);

const throughPool =
  (pool: (url: string) => Pg.Pool) =>
  async (world: World): Promise<Variant> => {
    const bed = await world.servers.testbed("scram");
    const open = pool(bed.urls.pooled);
    const view = await openPoolerView(bed);
    const load = { ...CALLERS, forMs: durationOf(world), ask: () => open.query(STATEMENT) };
    return {
      async run() {
        let sample: Sample = {};
        const clients = await view.mostDuring(async () => {
          sample = await openLoop(load);
        }, OUR_NAME);
        return { ...sample, clients };
      },
      async [Symbol.asyncDispose]() {
        await open.end();
        await view[Symbol.asyncDispose]();
      },
    };
  };

const inProgram =
  (pool: "ours" | "warm") =>
  async (world: World): Promise<Variant> => {
    const { urls } = await world.servers.testbed("scram");
    return {
      run: () => measureMemory({ pool, url: urls.pooled, forMs: durationOf(world), ...CALLERS }),
      [Symbol.asyncDispose]: async () => undefined,
    };
  };

/** Many callers who ask now and then. */
export const scale: readonly Experiment[] = [
  {
    rounds: { full: 5, quick: 1 },
    figures: [
      value(
        {
          name: "scale.5000.achieved",
          what: "answered / offered, ours; 5,000 callers at 1/s, 20 connections, SCRAM",
          goal: { atLeast: 0.99 },
        },
        { variant: "ours", metric: "achieved" },
      ),
      value(
        { name: "scale.5000.achieved.warm", what: "the same, warm pg-pool of 20" },
        { variant: "warm", metric: "achieved" },
      ),
      quotient(
        {
          name: "scale.5000.p99",
          what: "p99, ours / warm pg-pool; 5,000 callers at 1/s",
          goal: { atMost: 3 },
        },
        { ours: "ours", base: "warm", metric: "p99" },
      ),
      value(
        {
          name: "scale.5000.clients",
          what: "most client connections that PgBouncer saw at once, ours",
          goal: { atMost: 20, always: true },
          unit: "connections",
        },
        { variant: "ours", metric: "clients" },
      ),
    ],
    variants: { ours: throughPool((url) => ourPool(url)), warm: throughPool(warmPool) },
  },
  {
    rounds: { full: 5, quick: 1 },
    warmups: 0,
    figures: [
      quotient(
        {
          name: "scale.5000.memory",
          what: "memory of the process (RSS), ours / warm pg-pool; 5,000 callers at 1/s",
        },
        { ours: "ours", base: "warm", metric: "memory" },
      ),
    ],
    variants: { ours: inProgram("ours"), warm: inProgram("warm") },
  },
];

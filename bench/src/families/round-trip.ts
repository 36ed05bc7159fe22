import type * as Pg from "pg";
import { maxUsesPool, ourPool, poolVariant } from "../clients/pools.ts";
import {
  type Experiment,
  type Figure,
  quotient,
  type Variant,
  type World,
} from "../method/experiment.ts";
import type { Login } from "../servers/servers.ts";

const ROUND_TRIP_MS = 2;
const LOAD = { callers: 1, count: 20 };

const through =
  (login: Login, pool: (url: string) => Pg.Pool) =>
  async ({ servers }: World): Promise<Variant> =>
    poolVariant(pool(await servers.slowUrl(login, ROUND_TRIP_MS)), LOAD);

const figure = (name: string, ours: string, base: string, what: string, goal?: number): Figure =>
  quotient(
    {
      name,
      what: `time, ${what}; a connect for each statement, ${ROUND_TRIP_MS} ms round trip`,
      ...(goal !== undefined && { goal: { atMost: goal } }),
    },
    { ours, base },
  );

/** What a connect costs where the server is not next door: round trips. */
export const roundTrip: readonly Experiment[] = [
  {
    rounds: { full: 15, quick: 3 },
    warmups: 2,
    figures: [
      figure("nullpool.rtt2ms", "pipelined", "trust", "SCRAM pipelined, ours / pg with trust", 1.1),
      figure(
        "nullpool.rtt2ms.plain",
        "plain",
        "trust",
        "SCRAM not pipelined, ours / pg with trust",
      ),
      figure("nullpool.rtt2ms.stock", "pipelined", "stock", "SCRAM, ours pipelined / pg"),
    ],
    variants: {
      pipelined: through("scram", (url) => ourPool(url, { lingerMs: 0, pipelineHandshake: true })),
      plain: through("scram", (url) => ourPool(url, { lingerMs: 0 })),
      stock: through("scram", maxUsesPool),
      trust: through("trust", maxUsesPool),
    },
  },
];

import { ourPool, poolVariant, warmPool } from "../clients/pools.ts";
import { type Experiment, metricOf, quotient } from "../method/experiment.ts";

const LOAD = { callers: 2000, count: 10_000 };

/** More callers than connections, and none of them pauses. */
export const saturated: readonly Experiment[] = [
  {
    rounds: { full: 15, quick: 2 },
    warmups: 1,
    figures: [
      quotient(
        {
          name: "saturated.throughput",
          what: "statements per second, ours / warm pg-pool of 20; 2,000 callers, SCRAM",
          goal: { atLeast: 0.95 },
        },
        { ours: "ours", base: "warm", metric: "rate" },
      ),
      {
        name: "saturated.p99",
        what: "p99 / p50 of what a caller waits, ours; 2,000 callers",
        goal: { atMost: 2 },
        needs: ["ours"],
        of: (round) => metricOf(round("ours"), "p99") / metricOf(round("ours"), "p50"),
      },
      {
        name: "saturated.p99.warm",
        what: "p99 / p50 of what a caller waits, warm pg-pool; 2,000 callers",
        needs: ["warm"],
        of: (round) => metricOf(round("warm"), "p99") / metricOf(round("warm"), "p50"),
      },
      quotient(
        { name: "saturated.cpu", what: "CPU per statement, ours / warm pg-pool; 2,000 callers" },
        { ours: "ours", base: "warm", metric: "cpu" },
      ),
    ],
    variants: {
      ours: async ({ servers }) =>
        poolVariant(ourPool((await servers.testbed("scram")).urls.pooled), LOAD),
      warm: async ({ servers }) =>
        poolVariant(warmPool((await servers.testbed("scram")).urls.pooled), LOAD),
    },
  },
];

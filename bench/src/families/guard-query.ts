import type * as Pg from "pg";
import { guardedPg } from "../clients/guarded.ts";
import { ownPg } from "../clients/pg-copy.ts";
import { STATEMENT } from "../clients/pools.ts";
import { closedLoop } from "../load/closed-loop.ts";
import { type Experiment, quotient, type Variant, type World } from "../method/experiment.ts";

/** Statements one after another on one connection that is open already. */
const onOpenConnection =
  (driver: () => Pick<typeof Pg, "Client">) =>
  async ({ servers }: World): Promise<Variant> => {
    const { Client } = driver();
    const { urls } = await servers.testbed("trust");
    const client = new Client({ connectionString: urls.pooled });
    await client.connect();
    return {
      run: () => closedLoop({ callers: 1, count: 400, ask: () => client.query(STATEMENT) }),
      [Symbol.asyncDispose]: () => client.end(),
    };
  };

const of = { ours: "guarded", base: "plain" };

/** What the guard costs on a connection that is already open, through PgBouncer. */
export const guardQuery: readonly Experiment[] = [
  {
    rounds: { full: 61, quick: 11 },
    warmups: 5,
    figures: [
      quotient(
        {
          name: "guard.warmQuery",
          what: "time, guarded / plain pg, one open connection through PgBouncer",
          goal: { atMost: 1.02 },
        },
        of,
      ),
      quotient(
        { name: "guard.warmQuery.cpu", what: "the same, CPU time of the process" },
        { ...of, metric: "cpu" },
      ),
    ],
    variants: { guarded: onOpenConnection(() => guardedPg()), plain: onOpenConnection(ownPg) },
  },
];

import type * as Pg from "pg";
import { transaction, unitOfWork } from "@doorpolicy/pg";
import { ourPool, STATEMENT, warmPool } from "../clients/pools.ts";
import { closedLoop } from "../load/closed-loop.ts";
import { pause } from "../load/pause.ts";
import {
  type Experiment,
  type Figure,
  quotient,
  type Sample,
  type Variant,
  type World,
} from "../method/experiment.ts";

/** Between requests: longer than any linger, so that each one starts without a connection. */
const GAP_MS = 15;
const REQUESTS = 10;

type Request = (pool: Pg.Pool, statements: number) => Promise<void>;

const statementByStatement: Request = async (pool, statements) => {
  for (let i = 0; i < statements; i++) await pool.query(STATEMENT);
};

const inUnit: Request = (pool, statements) =>
  unitOfWork(() => statementByStatement(pool, statements));

/** Requests with a pause before each one; only what a request takes is counted. */
async function sparsely(request: () => Promise<void>): Promise<Sample> {
  let milliseconds = 0;
  for (let i = 0; i < REQUESTS; i++) {
    await pause(GAP_MS);
    const start = performance.now();
    await request();
    milliseconds += performance.now() - start;
  }
  return { time: (milliseconds * 1000) / REQUESTS };
}

function requests(statements: number, pool: (url: string) => Pg.Pool, request: Request) {
  return async ({ servers }: World): Promise<Variant> => {
    const open = pool((await servers.testbed("scram")).urls.pooled);
    return {
      run: () => sparsely(() => request(open, statements)),
      [Symbol.asyncDispose]: () => open.end(),
    };
  };
}

function sparse(name: string, statements: number, goal?: number): Experiment {
  const against = (suffix: string, ours: string, what: string): Figure =>
    quotient(
      {
        name: `unit.${name}${suffix}`,
        what: `time of a request of ${statements} statement(s), ${what} / on a warm pg-pool, SCRAM`,
        ...(goal !== undefined && suffix === "" && { goal: { atMost: goal } }),
      },
      { ours, base: "warm" },
    );
  return {
    rounds: { full: 21, quick: 3 },
    figures: [
      against("", "unit", "in a unitOfWork"),
      against(".linger", "linger", "without one, 5 ms linger"),
      against(".bare", "bare", "without one, no linger"),
    ],
    variants: {
      unit: requests(statements, (url) => ourPool(url, { lingerMs: 0 }), inUnit),
      linger: requests(statements, (url) => ourPool(url), statementByStatement),
      bare: requests(statements, (url) => ourPool(url, { lingerMs: 0 }), statementByStatement),
      warm: requests(statements, warmPool, statementByStatement),
    },
  };
}

const TRANSACTIONS = { callers: 1, count: 200 };

const oneStatement: Experiment = {
  rounds: { full: 41, quick: 5 },
  warmups: 4,
  figures: [
    quotient(
      {
        name: "transaction.one",
        what: "time, one statement in transaction() / BEGIN, statement, COMMIT on plain pg, both warm",
        goal: { atMost: 0.75 },
      },
      { ours: "ours", base: "plain" },
    ),
    quotient(
      { name: "transaction.one.cpu", what: "the same, CPU time of the process" },
      { ours: "ours", base: "plain", metric: "cpu" },
    ),
  ],
  variants: {
    async ours({ servers }) {
      const { urls } = await servers.testbed("trust");
      const pool = ourPool(urls.pooled, { reuse: "pool", idleTimeoutMs: 10_000 });
      const ask = (): Promise<unknown> => transaction(() => pool.query(STATEMENT));
      return {
        run: () => closedLoop({ ...TRANSACTIONS, ask }),
        [Symbol.asyncDispose]: () => pool.end(),
      };
    },
    async plain({ servers }) {
      const { urls } = await servers.testbed("trust");
      const pool = warmPool(urls.pooled);
      const ask = async (): Promise<void> => {
        const client = await pool.connect();
        await client.query("BEGIN");
        await client.query(STATEMENT);
        await client.query("COMMIT");
        client.release();
      };
      return {
        run: () => closedLoop({ ...TRANSACTIONS, ask }),
        [Symbol.asyncDispose]: () => pool.end(),
      };
    },
  },
};

/** Requests, and transactions, as services make them. */
export const units: readonly Experiment[] = [
  sparse("one", 1),
  sparse("ten", 10, 1.2),
  oneStatement,
];

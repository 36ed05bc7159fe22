import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { currentUnit, transaction, unitOfWork } from "@doorpolicy/pg";
import pg, { type PoolClient, type Submittable } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { makeCursor, pause } from "../world.ts";
import { type CountedPool, type PoolStage, startPoolStage } from "./pool-stage.ts";

const require = createRequire(import.meta.url);
const context = new AsyncLocalStorage<string>();
let stage: PoolStage;
/** Keeps one connection, which was opened in the context "opener". */
let pool: CountedPool;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

async function openElsewhere(): Promise<void> {
  pool = stage.actor({ reuse: "pool", maxPerProcess: 1 }).pool();
  await context.run("opener", () => pool.query("select 1"));
}

/** In which context something was called back, for each time that it was. */
type Story = () => Promise<(string | undefined)[]>;

const here = (): string | undefined => context.getStore();

async function withClient(use: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await use(client);
  } finally {
    client.release();
  }
}

const STORIES: Readonly<Record<string, Story>> = {
  "the callback of pool.query()": () =>
    new Promise((resolve) => pool.query("select 1", () => resolve([here()]))),
  "the callback of pool.query() with values": () =>
    new Promise((resolve) => pool.query("select $1::int", [1], () => resolve([here()]))),
  "the callback of pool.connect()": () =>
    new Promise((resolve) =>
      pool.connect((_error, _client, release) => {
        release();
        resolve([here()]);
      }),
    ),
  "what follows an await of pool.connect() and client.query()": async () => {
    const seen: (string | undefined)[] = [];
    await withClient(async (client) => {
      seen.push(here());
      await client.query("select 1");
      seen.push(here());
    });
    return seen;
  },
  "the callback of client.query()": async () => {
    const seen: (string | undefined)[] = [];
    await withClient(
      (client) =>
        new Promise((resolve) =>
          client.query("select 1", () => {
            seen.push(here());
            resolve();
          }),
        ),
    );
    return seen;
  },
  "the callback in a config": async () => {
    const seen: (string | undefined)[] = [];
    await withClient(
      (client) =>
        new Promise((resolve) => {
          const callback = (): void => {
            seen.push(here());
            resolve();
          };
          const query: (config: object) => void = client.query.bind(client);
          query({ text: "select 1", callback });
        }),
    );
    return seen;
  },
  "row, end and error of a Query": async () => {
    const seen: (string | undefined)[] = [];
    await withClient(async (client) => {
      for (const text of ["select generate_series(1, 2)", "select 1/0"]) {
        const query: Submittable & NodeJS.EventEmitter = Object(new pg.Query(text));
        await new Promise<void>((resolve) => {
          query.on("row", () => seen.push(here()));
          for (const event of ["end", "error"]) {
            query.on(event, () => {
              seen.push(here());
              resolve();
            });
          }
          client.query(query);
        });
      }
    });
    return seen;
  },
  "the callback of a cursor's read()": async () => {
    const seen: (string | undefined)[] = [];
    await withClient(async (client) => {
      const cursor = client.query(makeCursor("select generate_series(1, 10)"));
      for (let round = 0; round < 2; round++) {
        await new Promise<void>((resolve) => {
          const read: (rows: number, callback: () => void) => void = cursor.read.bind(cursor);
          read(2, () => {
            seen.push(here());
            resolve();
          });
        });
      }
      await cursor.close();
    });
    return seen;
  },
  "data and end of a stream": async () => {
    const seen: (string | undefined)[] = [];
    const QueryStream: new (
      text: string,
    ) => Submittable & NodeJS.ReadableStream = require("pg-query-stream");
    await withClient(async (client) => {
      const stream = client.query(new QueryStream("select generate_series(1, 300)"));
      await new Promise((resolve) => {
        stream.once("data", () => seen.push(here()));
        stream.on("data", () => undefined);
        stream.on("end", () => {
          seen.push(here());
          resolve(undefined);
        });
      });
    });
    return seen;
  },
};

describe("on a connection that somebody else has opened", () => {
  test.each(Object.entries(STORIES))(
    "%s is called in the context of the caller",
    async (_, tell) => {
      await openElsewhere();

      const outside = await context.run("mine", tell);
      const inUnit = await context.run("mine", () => unitOfWork(tell));
      let inTransaction: (string | undefined)[] = [];
      // A transaction in which a statement has failed is rolled back at its end, and says so.
      const remember = async (): Promise<void> => {
        inTransaction = await tell();
      };
      await context.run("mine", () => transaction(remember).catch(() => undefined));

      expect(outside.length).toBeGreaterThan(0);
      expect(new Set(outside)).toEqual(new Set(["mine"]));
      expect(new Set(inUnit)).toEqual(new Set(["mine"]));
      expect(new Set(inTransaction)).toEqual(new Set(["mine"]));
      expect(pool.counters.opened).toBe(1);
    },
  );

  test("callers who wait are called back in their own contexts", async () => {
    await openElsewhere();
    const holder = await pool.connect();

    const forms: readonly ((done: () => void) => void)[] = [
      (done) => pool.query("select 1", () => done()),
      (done) =>
        pool.connect((_error, _client, release) => {
          release();
          done();
        }),
      (done) => void pool.query("select 1").then(done),
    ];
    const asked = forms.map((form, index) =>
      context.run(`caller ${index}`, () => new Promise((resolve) => form(() => resolve(here())))),
    );
    context.run("releaser", () => holder.release());

    expect(await Promise.all(asked)).toEqual(["caller 0", "caller 1", "caller 2"]);
  });

  test("a caller whose wait is over is told in his own context", async () => {
    pool = stage.actor({ maxPerProcess: 1, acquireTimeoutMs: 60 }).pool();
    const holder = await pool.connect();

    const asked = ["one", "two"].map((name) =>
      context.run(name, () => new Promise((resolve) => pool.connect(() => resolve(here())))),
    );

    expect(await Promise.all(asked)).toEqual(["one", "two"]);
    holder.release();
  });
});

describe("a unit", () => {
  const units: Readonly<Record<string, () => Promise<WeakRef<object>>>> = {
    "that has opened the connection": async () => {
      pool = stage.actor({ reuse: "pool" }).pool();
      return unitOfWork(askAndRemember);
    },
    "that has used a connection of before": async () => {
      await openElsewhere();
      return unitOfWork(askAndRemember);
    },
    "of a transaction": async () => {
      pool = stage.actor({ reuse: "pool" }).pool();
      return transaction(askAndRemember);
    },
    "that has waited in the queue": async () => {
      await openElsewhere();
      const holder = await pool.connect();
      const asked = unitOfWork(askAndRemember);
      holder.release();
      return asked;
    },
    "that has waited at the gate": async () => {
      const { pool: open } = stage.actor({ reuse: "pool", maxPerProcess: 1 });
      const [other, mine] = [open(), open()];
      await other.query("select 1");
      pool = mine;
      return unitOfWork(askAndRemember);
    },
  };

  test.each(Object.entries(units))("%s is kept by nothing when it is over", async (_, run) => {
    const unit = await run();
    // Connections are used on by others all the time, and lie idle.
    await context.run("others", () => pool.query("select 1"));

    await collect(unit);

    expect(unit.deref()).toBeUndefined();
    expect(pool.counters.idle).toBe(1);
  });

  test("is not where onConnect, the pool's events and its error are told", async () => {
    const seen: unknown[] = [];
    const onConnect = async (): Promise<void> => {
      seen.push(currentUnit());
    };
    pool = stage.actor({ reuse: "pool" }).pool({ onConnect });
    pool.on("connect", () => seen.push(currentUnit()));

    await unitOfWork({ label: "one" }, () => pool.query("select 1"));

    expect(seen).toEqual([undefined, undefined]);
  });
});

async function askAndRemember(): Promise<WeakRef<object>> {
  await pool.query("select 1");
  const client = await pool.connect();
  client.release();
  return new WeakRef(Object(currentUnit()));
}

/** Asks the garbage collector for as long as it takes, within a bound. */
async function collect(weak: WeakRef<object>): Promise<void> {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  for (let round = 0; round < 60 && weak.deref() !== undefined; round++) {
    await pause(10);
    gc();
  }
}

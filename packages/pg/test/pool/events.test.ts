import { EventEmitter } from "node:events";

import type { Client, Pool, PoolClient, PoolConfig } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { eventually, rejection, requirePg, PG_VERSIONS } from "../world.ts";
import { type PoolStage, type ServiceConfig, startPoolStage } from "./pool-stage.ts";

let stage: PoolStage;

beforeAll(async () => {
  stage = await startPoolStage();
});
afterEach(() => stage.clear());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

/** What listeners hear: the event, the number of the connection, and the error where there is one. */
function listen(pool: Pool): string[] {
  const heard: string[] = [];
  const numbers = new Map<unknown, number>();
  const numberOf = (client: unknown): number => {
    const number = numbers.get(client) ?? numbers.size + 1;
    numbers.set(client, number);
    return number;
  };
  for (const event of ["connect", "acquire", "remove"] as const) {
    pool.on(event, (client) => heard.push(`${event} ${numberOf(client)}`));
  }
  pool.on("release", (error, client) => {
    heard.push(`release ${numberOf(client)}${error ? ` ${String(error)}` : ""}`);
  });
  return heard;
}

/** The three numbers that pools have always had, after each step of a story. */
function count({ totalCount, idleCount, waitingCount }: Pool): number[] {
  return [totalCount, idleCount, waitingCount];
}

function isRemoval(heard: string): boolean {
  return heard.startsWith("remove");
}

const STORIES: Readonly<Record<string, (pool: Pool, numbers: number[][]) => Promise<void>>> = {
  "one statement": async (pool) => {
    await pool.query("select 1");
  },
  "one statement after another": async (pool, numbers) => {
    for (let round = 0; round < 3; round++) {
      await pool.query("select 1");
      numbers.push(count(pool));
    }
  },
  "a connection for two statements": async (pool, numbers) => {
    const client = await pool.connect();
    numbers.push(count(pool));
    await client.query("select 1");
    await client.query("select 2");
    client.release();
    numbers.push(count(pool));
  },
  "a connection that is given back as broken": async (pool, numbers) => {
    const client = await pool.connect();
    client.release(new Error("broken"));
    numbers.push(count(pool));
    await pool.query("select 1");
  },
  "a connection that is given back with true": async (pool) => {
    const client = await pool.connect();
    client.release(true);
    await pool.query("select 1");
  },
  "one who waits": async (pool, numbers) => {
    const holder = await pool.connect();
    const waiting = pool.connect();
    numbers.push(count(pool));
    holder.release();
    const client = await waiting;
    numbers.push(count(pool));
    client.release();
    numbers.push(count(pool));
  },
};

describe("listeners and counters", () => {
  test.each(Object.entries(STORIES))("hear and show of %s what pg-pool's do", async (_, tell) => {
    const config: PoolConfig = { connectionString: stage.world.bed.urls.pooled, max: 1 };
    const plain = new (requirePg("pg").Pool)(config);
    const ours = stage.actor({ reuse: "pool", maxPerProcess: 1 }).pool();
    const stories = [plain, ours].map((pool) => ({
      pool,
      heard: listen(pool),
      numbers: [] as number[][],
    }));

    for (const { pool, numbers } of stories) {
      await tell(pool, numbers);
      await pool.end();
    }
    // pg-pool says that it has ended before it says that it has removed a connection.
    await eventually(() => expect(stories[0]?.heard.at(-1)).toMatch(/^remove/));

    const [theirs, ourOwn] = stories.map(({ heard, numbers }) => ({
      // Ours is over before the next one is opened: pg-pool's may be open still.
      heard: heard.toSorted((one, other) => Number(isRemoval(one)) - Number(isRemoval(other))),
      numbers,
    }));
    expect(ourOwn).toEqual(theirs);
  });

  test("hear of each connection from its login to its end, where none is kept", async () => {
    const pool = stage.actor({ lingerMs: 0, maxPerProcess: 1 }).pool();
    const heard = listen(pool);

    await pool.query("select 1");
    await Promise.all([pool.query("select 1"), pool.query("select 2")]);
    await pool.end();

    expect(heard).toEqual([
      "connect 1",
      "acquire 1",
      "release 1",
      "remove 1",
      "connect 2",
      "acquire 2",
      "release 2",
      "acquire 2",
      "release 2",
      "remove 2",
    ]);
  });

  test("show a pool that is full, with callers who wait", async () => {
    const pool = stage.actor({ maxPerProcess: 2 }).pool();
    const holders = await Promise.all([pool.connect(), pool.connect()]);
    const waiting = [pool.connect(), pool.connect(), pool.connect()];

    const full = pool.counters;
    for (const client of holders) client.release();
    for (const client of await Promise.all(waiting.slice(0, 2))) client.release();
    (await waiting[2])?.release();
    await pool.end();

    expect(full).toEqual({
      open: 2,
      connecting: 0,
      inUse: 2,
      idle: 0,
      closing: 0,
      waiting: 3,
      opened: 2,
      failed: 0,
      retried: 0,
      closed: 0,
      handedOver: 0,
      timedOut: 0,
    });
    expect(pool.counters).toEqual({
      open: 0,
      connecting: 0,
      inUse: 0,
      idle: 0,
      closing: 0,
      waiting: 0,
      opened: 2,
      failed: 0,
      retried: 0,
      closed: 2,
      handedOver: 3,
      timedOut: 0,
    });
  });

  test("hear nothing of a login that fails but the caller's error", async () => {
    const url = new URL(stage.world.bed.urls.pooled);
    url.pathname = "/nowhere";
    const pool = stage.actor().pool({ connectionString: url.href });
    const heard = listen(pool);

    await rejection(pool.query("select 1"));
    await pool.end();

    expect(heard).toEqual([]);
    expect(pool.counters).toMatchObject({ failed: 1, opened: 0, closed: 0, open: 0 });
  });

  test("are left out in bypass, where pg-pool counts", async () => {
    const pool = stage.actor({}, { policy: { mode: "bypass" } }).pool();

    const client = await pool.connect();
    const { open, inUse, idle } = pool.counters;
    client.release();

    expect({ open, inUse, idle }).toEqual({ open: 1, inUse: 1, idle: 0 });
    expect(pool.counters).toMatchObject({ open: 1, inUse: 0, idle: 1 });
  });
});

describe("instanceof", () => {
  test.each(PG_VERSIONS)("holds for the pools and clients of %s", async (name) => {
    const module = requirePg(name);
    const { pg, pool: open } = stage.actor({}, { module: name });
    const pool = open();

    const client = await pool.connect();
    const kinds = [
      pool instanceof module.Pool,
      pool instanceof pg.Pool,
      pool instanceof EventEmitter,
      client instanceof module.Client,
      client instanceof pg.Client,
    ];
    client.release();

    expect(kinds).toEqual([true, true, true, true, true]);
  });
});

describe("what a service wants done with a new connection", () => {
  test("is done once for each, and before anybody has it", async () => {
    const steps: string[] = [];
    const preparing: ServiceConfig = {
      onConnect: async (client) => {
        await client.query("select 1");
        steps.push("onConnect");
      },
      verify: (_client, done) => {
        steps.push("verify");
        setImmediate(done);
      },
    };
    const pool = stage.actor({ reuse: "pool", maxPerProcess: 1 }).pool(preparing);

    for (let round = 0; round < 2; round++) {
      const client = await pool.connect();
      steps.push("mine");
      client.release();
    }

    expect(steps).toEqual(["onConnect", "verify", "mine", "mine"]);
  });

  const refusals: Readonly<Record<string, ServiceConfig>> = {
    onConnect: { onConnect: () => Promise.reject(new Error("not this one")) },
    verify: { verify: (_client, done) => done(new Error("not this one")) },
  };
  test.each(Object.entries(refusals))(
    "fails one caller when it fails, and the connection is closed (%s)",
    async (_, preparing) => {
      const pool = stage.actor({ reuse: "pool", maxPerProcess: 1 }).pool(preparing);

      const errors = await Promise.all([1, 2].map(() => rejection(pool.query("select 1"))));

      expect(errors).toMatchObject([{ message: "not this one" }, { message: "not this one" }]);
      await stage.untilClients(0);
      await eventually(() =>
        expect(pool.counters).toMatchObject({ opened: 2, closed: 2, open: 0, waiting: 0 }),
      );
    },
  );

  test("goes on without a connection that was lost meanwhile", async () => {
    let isFirst = true;
    const preparing: ServiceConfig = {
      onConnect: async (client) => {
        if (!isFirst) return;
        isFirst = false;
        const lost = new Promise((resolve) => client.once("end", resolve));
        stage.wire.cut();
        await lost;
      },
    };
    const connectionString = stage.wire.url(stage.world.bed.urls.pooled);
    const pool = stage.actor({ maxPerProcess: 1 }).pool({ ...preparing, connectionString });

    const { rows } = await pool.query("select 1 as n");

    expect(rows).toEqual([{ n: 1 }]);
    await eventually(() => expect(pool.counters).toMatchObject({ open: 0, opened: 2, closed: 2 }));
  });
});

describe("the end of a pool", () => {
  test("waits for what is in use and being opened, closes what is idle, and refuses who waits", async () => {
    const { wire, world } = stage;
    const connectionString = wire.url(world.bed.urls.pooled);
    const pool = stage.actor({ reuse: "pool", maxPerProcess: 3 }).pool({ connectionString });
    const [used, spare] = await Promise.all([pool.connect(), pool.connect()]);
    spare?.release();
    const again = await pool.connect();
    wire.hold();
    const opening = rejection(pool.connect());
    const waiting = rejection(pool.connect());
    await eventually(() => expect(wire.open).toBe(3));
    again.release(new Error("broken"));
    const before = pool.counters;

    const ended = pool.end();
    const refused = await Promise.all([opening, waiting]);
    used?.release();
    wire.letGo();
    await ended;

    expect(before).toMatchObject({ inUse: 1, connecting: 1, closing: 1, waiting: 2 });
    expect(refused).toMatchObject(
      [1, 2].map(() => ({ message: expect.stringMatching(/^The pool was ended/) })),
    );
    expect(pool.counters).toMatchObject({ open: 0, waiting: 0, opened: 3, closed: 3 });
    expect(await stage.clients()).toBe(0);
  });

  test("closes the connection of a holder who has ended it himself", async () => {
    const pool = stage.actor({ reuse: "pool" }).pool();
    const client = await pool.connect();

    await endOf(client);
    client.release();
    await pool.end();

    expect(pool.counters).toMatchObject({ open: 0, opened: 1, closed: 1 });
  });
});

function endOf(client: PoolClient): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pg's types hide what is there.
  return (client as unknown as Client).end();
}

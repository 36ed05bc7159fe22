import type { Policy } from "@doorpolicy/core";
import { allowing, transaction, unitOfWork } from "@doorpolicy/pg";
import type { ClientBase, Pool, Query } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  eventually,
  makeCursor,
  type Pg,
  PG_VERSIONS,
  rejection,
  requirePg,
  startWorld,
  type World,
} from "../world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const POLICY: Policy = {
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.24", mode: "transaction" } } },
};

async function withClient<Result>(
  run: (client: ClientBase, pg: Pg) => Promise<Result>,
  module: string = "pg",
): Promise<Result> {
  const { pg } = world.guard(POLICY, requirePg(module));
  const client = new pg.Client(world.bed.urls.pooled);
  await client.connect();
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a guarded module is a pg.
    return await run(client, pg as unknown as Pg);
  } finally {
    await client.end();
  }
}

/** What a query object is answered with. */
function answerOf(query: Query, send: () => unknown): Promise<unknown> {
  return new Promise((resolve) => {
    const callback = (error: unknown, result: unknown): void => resolve(error ?? result);
    Reflect.set(query, "callback", callback);
    send();
  });
}

/** Answers something else each time that it is asked. */
function changing(first: string, then: string): { readonly text: string; reads: number } {
  return {
    reads: 0,
    get text() {
      this.reads += 1;
      return this.reads === 1 ? first : then;
    },
  };
}

async function rowsOf(asked: Pool | ClientBase, config: object): Promise<unknown> {
  const { rows } = await Reflect.apply(Reflect.get(asked, "query"), asked, [config]);
  return rows;
}

describe.each(PG_VERSIONS)("with %s, a config whose text is a getter", (module) => {
  const ways: Readonly<Record<string, (pool: Pool, config: object) => Promise<unknown>>> = {
    "pool.query()": (pool, config) => rowsOf(pool, config),
    "a checkout": async (pool, config) => {
      const client = await pool.connect();
      const answered = await rowsOf(client, config);
      client.release();
      return answered;
    },
    "a unit of work": (pool, config) => unitOfWork(() => rowsOf(pool, config)),
    "a transaction": (pool, config) => transaction(() => rowsOf(pool, config)),
    "a unit with settings": (pool, config) =>
      unitOfWork({ setLocal: { "app.tenant": "1" } }, () => rowsOf(pool, config)),
  };

  test.each(Object.keys(ways))("is read once, and sent as it was judged: %s", async (way) => {
    const { pg } = world.guard(POLICY, requirePg(module));
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled });
    const config = changing("select 1 as n", "set role none");

    const rows = await ways[way]?.(pool, config);
    await pool.end();

    expect(rows).toEqual([{ n: 1 }]);
    expect(config.reads).toBe(1);
  });
});

describe("a config of a template library", () => {
  class Template {
    reads = 0;
    readonly values: readonly unknown[] = [7];
    get text(): string {
      this.reads += 1;
      return "select $1::int as n";
    }
  }

  test("builds its text once", async () => {
    const template = new Template();

    const rows = await withClient(async (client) => {
      return await rowsOf(client, template);
    });

    expect(rows).toEqual([{ n: 7 }]);
    expect(template.reads).toBe(1);
  });
});

describe("a query object", () => {
  test("is judged each time that it is given", async () => {
    await withClient(async (client, pg) => {
      const query = new pg.Query("select pg_advisory_xact_lock(1)");

      expect(await answerOf(query, () => client.query(query))).not.toBeInstanceOf(Error);
      Object.assign(query, { text: "set role none" });
      const error = await answerOf(query, () => client.query(query));

      expect(error).toMatchObject({ code: "session-state/no-role" });
    });
  });

  test("that was allowed once is not allowed for good", async () => {
    await withClient(async (client, pg) => {
      const query = new pg.Query("set role none");
      const give = (): Promise<unknown> => answerOf(query, () => client.query(query));

      const inside = await allowing("session-state/no-role", "to see what comes of it", give);
      const outside = await give();

      expect(inside).not.toBeInstanceOf(Error);
      expect(outside).toMatchObject({ code: "session-state/no-role" });
    });
  });

  test.each(PG_VERSIONS)("is sent as it was given, however long it waits (%s)", async (module) => {
    await withClient(async (client, pg) => {
      const query = new pg.Query("select 1 as n");
      const sleeping = client.query("select pg_sleep(0.05)");

      const answer = answerOf(query, () => client.query(query));
      Object.assign(query, { text: "set role none" });
      await sleeping;

      expect(await answer).toMatchObject({ rows: [{ n: 1 }] });
    }, module);
  });

  test("that is a cursor is as well", async () => {
    await withClient(async (client) => {
      const cursor = makeCursor("select 1 as n");
      const sleeping = client.query("select pg_sleep(0.05)");

      client.query(cursor);
      const rows = cursor.read(10);
      Object.assign(cursor, { text: "set role none" });
      await sleeping;

      expect(await rows).toEqual([{ n: 1 }]);
      await cursor.close();
    });
  });

  test("takes another text and other values the next time", async () => {
    await withClient(async (client, pg) => {
      const values = [1];
      const query = new pg.Query("select $1::int + 1 as n", values);
      const rows: unknown[] = [];
      query.on("row", (row) => rows.push(row));
      await answerOf(query, () => client.query(query));
      values[0] = 5;
      Object.assign(query, { text: "select $1::int * 2 as n" });

      await answerOf(query, () => client.query(query));

      expect(rows).toEqual([{ n: 2 }, { n: 10 }]);
    });
  });
});

describe("bound values that are judged", () => {
  test("are sent as they were, however long they wait", async () => {
    await withClient(async (client) => {
      const values = ["app.given", "y", true];
      await client.query("begin");
      const sleeping = client.query("select pg_sleep(0.05)");
      const set = client.query("select set_config($1, $2, $3)", values);
      values[2] = false;
      await sleeping;
      await set;
      await client.query("commit");

      const { rows } = await client.query("select current_setting('app.given', true) as was");

      expect(rows[0]?.["was"] ?? "").toBe("");
    });
  });
});

describe("transaction control with a callback that is none", () => {
  test.each([null, false, 0])("is answered by a promise (%s)", async (callback) => {
    await withClient(async (client) => {
      const ask = (text: string): Promise<unknown> =>
        Reflect.apply(Reflect.get(client, "query"), client, [{ text, callback }]);

      expect(await ask("begin")).toMatchObject({ command: "BEGIN" });
      await rejection(client.query("select 1/0"));

      expect(await rejection(ask("commit"))).toMatchObject({
        code: "transaction/rolled-back-at-commit",
      });
    });
  });

  test("is refused before it is sent where it is no function", async () => {
    await withClient(async (client) => {
      const ask = (): unknown =>
        Reflect.apply(Reflect.get(client, "query"), client, ["commit", undefined, 5]);

      expect(ask).toThrow(TypeError);
      expect((await client.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
    });
  });
});

describe("transaction control in a query object that is given again", () => {
  test("is looked at anew", async () => {
    await withClient(async (client, pg) => {
      const begin = new pg.Query("begin");
      const commit = new pg.Query("commit");
      const give = (query: Query): Promise<unknown> => answerOf(query, () => client.query(query));

      await give(begin);
      await rejection(client.query("select 1/0"));
      const failed = await give(commit);
      await eventually(async () => expect(await world.openTransactions()).toBe(0));
      const begun = await give(begin);
      await client.query("select 1");
      const stored = await give(commit);

      expect(failed).toMatchObject({ code: "transaction/rolled-back-at-commit" });
      expect(begun).not.toBeInstanceOf(Error);
      expect(stored).not.toBeInstanceOf(Error);
    });
  });
});

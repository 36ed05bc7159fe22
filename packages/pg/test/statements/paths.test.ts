import { createRequire } from "node:module";
import type { EventEmitter } from "node:events";

import { definePolicy, isPolicyError, type Policy, type Violation } from "@doorpolicy/core";
import {
  allowing,
  type GuardedPg,
  guardPg,
  opaqueStatements,
  transaction,
  unitOfWork,
} from "@doorpolicy/pg";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pgModule, { type ClientBase, type Submittable } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { PIPELINED } from "../login/pipelining-stage.ts";
import { eventually, makeCursor, type Pg, PG_VERSIONS, rejection, requirePg } from "../world.ts";

const require = createRequire(import.meta.url);

let bed: Testbed;
let number = 0;
/** Stands in the text of a statement, so that the server's log shows whether it has come. */
let mark = "";

beforeAll(async () => {
  bed = await startTestbed({
    allowDownload: true,
    poolSize: 1,
    auth: "scram",
    postgres: { settings: { log_statement: "all" } },
  });
});
afterAll(() => bed.stop());
beforeEach(() => {
  mark = `probe_${++number}`;
});

interface Actor extends AsyncDisposable {
  readonly pg: GuardedPg<Pg>;
  readonly pool: InstanceType<Pg["Pool"]>;
  readonly seen: Violation[];
}

const BOUNCER = { kind: "pgbouncer", version: "1.24" } as const;

function actor(policy: Policy = {}, module: Pg = pgModule, lane?: "direct"): Actor {
  const seen: Violation[] = [];
  const own = definePolicy({
    mode: "enforce",
    targets: { main: { pooler: BOUNCER, pooled: bed.urls.pooled, direct: bed.urls.direct } },
    ...policy,
    onViolation: (violation) => seen.push(violation),
  });
  const pg = guardPg(module, own, lane === undefined ? {} : { lane });
  const pool = new pg.Pool();
  return { pg, pool, seen, [Symbol.asyncDispose]: () => pool.end() };
}

/** Postgres writes its log before it answers, and the next answer comes after. */
async function arrived(): Promise<boolean> {
  await bed.sql("select 'end of the log'");
  return bed.logs.since(undefined, "postgres").includes(mark);
}

async function connected<Result>(
  { pool }: Actor,
  run: (client: ClientBase) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    return await run(client);
  } finally {
    client.release();
  }
}

/** What a query object, a cursor, a stream or a COPY says of its end. */
function failureOf(query: unknown): Promise<unknown> {
  return new Promise((resolve) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all of them emit.
    (query as EventEmitter).once("error", resolve);
  });
}

function byCallback(ask: (done: (error: unknown) => void) => unknown): Promise<unknown> {
  return new Promise((resolve) => {
    ask(resolve);
  });
}

const listen = (): string => `listen ${mark}`;

/** Every form in which a statement can be given to pg, and the error that it gives back. */
const FORMS: Readonly<Record<string, (client: ClientBase, pg: Pg) => Promise<unknown>>> = {
  "a text": (client) => rejection(client.query(listen())),
  "a text with values": (client) =>
    rejection(
      client.query<object, unknown[]>(`select set_config('app.${mark}', $1, $2)`, ["x", false]),
    ),
  "a text and a callback": (client) => byCallback((done) => client.query(listen(), done)),
  "a text, values and a callback": (client) =>
    byCallback((done) => client.query(`select pg_advisory_lock(1) as ${mark}`, [], done)),
  "a config": (client) => rejection(client.query({ text: listen() })),
  "a config with values": (client) =>
    rejection(client.query({ text: `select set_config('a.${mark}', 'x', $1)`, values: [null] })),
  "a config and values": (client) =>
    rejection(client.query({ text: `select set_config('a.${mark}', 'x', $1)` }, ["off"])),
  "a config with a callback": (client) =>
    byCallback((done) =>
      client.query(Object.assign({ text: listen() }, { callback: done }) as { text: string }),
    ),
  "a config for rows as lists": (client) =>
    rejection(client.query({ text: listen(), rowMode: "array" })),
  "several statements": (client) => rejection(client.query(`select 1; ${listen()}; select 2`)),
  "behind a comment": (client) => rejection(client.query(`/* select */ -- x\n ${listen()}`)),
  "a query object": (client, pg) => {
    const query = new pg.Query(listen());
    client.query(query);
    return failureOf(query);
  },
  "a query object of another copy of pg": (client) => {
    const query = new (requirePg("pg811").Query)(listen());
    client.query(query);
    return failureOf(query);
  },
  "a cursor": (client) => {
    const cursor = makeCursor(`select pg_advisory_lock(2) as ${mark}`);
    client.query(cursor);
    return rejection(cursor.read(1));
  },
  "a stream": (client) => {
    const Stream: new (
      text: string,
    ) => Submittable & NodeJS.ReadableStream = require("pg-query-stream");
    const stream = new Stream(`select pg_advisory_lock(3) as ${mark}`);
    const failure = failureOf(client.query(stream));
    stream.resume();
    return failure;
  },
  "a COPY to the client": (client) => {
    const { to }: { to: (text: string) => Submittable } = require("pg-copy-streams");
    return failureOf(client.query(to(`copy (select pg_advisory_lock(4) as ${mark}) to stdout`)));
  },
};

async function expectRefused(error: unknown): Promise<void> {
  if (!isPolicyError(error)) throw new Error("It was not refused", { cause: error });
  expect(error.code).toMatch(/^session-state\/no-(?:listen|set|session-lock)$/u);
  expect(error.message).not.toContain(mark);
  expect(await arrived()).toBe(false);
}

for (const version of PG_VERSIONS) {
  describe(`${version}: a statement that would leak never reaches the server`, () => {
    const module = requirePg(version);
    for (const [form, send] of Object.entries(FORMS)) {
      test(`on a connection, as ${form}`, async () => {
        await using db = actor({}, module);

        const error = await connected(db, (client) => send(client, module));

        await expectRefused(error);
        expect(db.seen).toMatchObject([{ action: "refused" }]);
        expect((await db.pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
      });
    }
  });
}

describe("wherever it is sent, a statement that would leak never reaches the server", () => {
  test("through the pool, as a promise and with a callback", async () => {
    await using db = actor();

    await expectRefused(await rejection(db.pool.query(listen())));
    await expectRefused(await byCallback((done) => db.pool.query(listen(), done)));
    await expectRefused(await rejection(db.pool.query({ text: listen() })));
  });

  test("with its login", async () => {
    await using db = actor({ connections: PIPELINED.connections ?? {} });
    await db.pool.query("select 1");
    await eventually(() => expect(db.pool.totalCount).toBe(0));

    await expectRefused(await rejection(db.pool.query(listen())));
  });

  test("on a client without a pool", async () => {
    await using db = actor();
    const client = new db.pg.Client({ connectionString: bed.urls.pooled });
    await client.connect();

    await expectRefused(await rejection(client.query(listen())));
    await client.end();
  });

  for (const [form, send] of Object.entries(FORMS)) {
    test(`in a transaction(), as ${form}`, async () => {
      await using db = actor();

      const error = await transaction(() => connected(db, (client) => send(client, pgModule)));

      await expectRefused(error);
    });

    test(`in a unit with settings, as ${form}`, async () => {
      await using db = actor();
      const setLocal = { "app.tenant": "a" };

      const error = await unitOfWork({ setLocal }, () =>
        connected(db, (client) => send(client, pgModule)),
      );

      await expectRefused(error);
    });

    test(`behind a BEGIN that was not sent yet, as ${form}`, async () => {
      await using db = actor({ transaction: { lazyBegin: true } });

      const error = await connected(db, async (client) => {
        await client.query("begin");
        const refused = await send(client, pgModule);
        await client.query("rollback");
        return refused;
      });

      await expectRefused(error);
    });
  }

  test("in a unitOfWork(), a transaction() and a block by hand, through the pool", async () => {
    await using db = actor();

    await expectRefused(await unitOfWork(() => rejection(db.pool.query(listen()))));
    await expectRefused(await transaction(() => rejection(db.pool.query(listen()))));
    await connected(db, async (client) => {
      await client.query("begin");
      await expectRefused(await rejection(client.query(listen())));
      await client.query("commit");
    });
  });
});

describe("whether a block is open", () => {
  const local = "set local app.tenant = 'a'";

  test("is known before BEGIN is answered", async () => {
    await using db = actor();

    const { rows } = await connected(db, async (client) => {
      const began = client.query("begin");
      const set = client.query(local);
      const read = client.query("select current_setting('app.tenant') as tenant");
      const ended = client.query("commit");
      const late = rejection(client.query(local));
      await Promise.all([began, set, ended]);
      expect(await late).toMatchObject({ code: "session-state/no-set-local-outside-block" });
      return await read;
    });

    expect(rows).toEqual([{ tenant: "a" }]);
  });

  test("is known of a BEGIN that waits for the first statement", async () => {
    await using db = actor({ transaction: { lazyBegin: true } });

    await connected(db, async (client) => {
      expect(await rejection(client.query(local))).toMatchObject({
        code: "session-state/no-set-local-outside-block",
      });
      await client.query("begin");
      await client.query(local);
      const { rows } = await client.query("select current_setting('app.tenant') as tenant");
      await client.query("commit");
      expect(rows).toEqual([{ tenant: "a" }]);
    });
    expect(db.seen).toHaveLength(1);
  });

  test("in a transaction() it always is, and in a unit with settings only where somebody has begun it", async () => {
    await using db = actor();

    await transaction(() => db.pool.query(local));
    await unitOfWork({ setLocal: { "app.other": "b" } }, async () => {
      expect(await rejection(db.pool.query(local))).toMatchObject({
        code: "session-state/no-set-local-outside-block",
      });
      expect(await rejection(db.pool.query("vacuum"))).toMatchObject({
        code: "statements/needs-autocommit",
      });
      await connected(db, async (client) => {
        await client.query("begin");
        await client.query(local);
        await client.query("commit");
      });
    });

    expect(db.seen.map(({ rule }) => rule)).toEqual([
      "session-state/no-set-local-outside-block",
      "statements/needs-autocommit",
    ]);
  });
});

describe("what the policy says", () => {
  test("observe lets everything pass, and says what it would have done", async () => {
    await using db = actor({ mode: "observe" });

    await connected(db, (client) => client.query(`set app.a = '${mark}'`));

    expect(await arrived()).toBe(true);
    expect(db.seen).toMatchObject([
      { rule: "session-state/no-set", action: "would-have", statement: "set app.a = ?" },
    ]);
    expect(db.seen[0]?.openedBy?.split("\n")[0]).toContain("paths.test.ts");
    await db.pool.query("reset app.a");
  });

  test("bypass and the direct lane judge nothing", async () => {
    await using bypass = actor({ mode: "bypass" });
    await using direct = actor({}, pgModule, "direct");

    await bypass.pool.query("select pg_advisory_lock(7), pg_advisory_unlock(7)");
    await connected(direct, (client) => client.query("set app.a = 'b'; listen a; unlisten a"));

    expect([...bypass.seen, ...direct.seen]).toEqual([]);
  });

  test("a warning is refused only where the policy says so", async () => {
    const text = "select pg_advisory_xact_lock(8)";
    await using warned = actor();
    await using refused = actor({
      rules: { "session-state/no-lock-outside-block": { runtime: "refuse" } },
    });

    await warned.pool.query(text);

    expect(warned.seen).toMatchObject([{ action: "reported" }]);
    expect(await rejection(refused.pool.query(text))).toMatchObject({
      code: "session-state/no-lock-outside-block",
    });
  });

  test("a rule that is off says nothing", async () => {
    await using db = actor({ rules: { "session-state/no-listen": { runtime: "off" } } });

    await db.pool.query("unlisten nothing_at_all");

    expect(db.seen).toEqual([]);
  });

  test("an exception of the policy lets its statements pass, and its reason is reported", async () => {
    const allow = [{ rule: "session-state/no-listen", match: "unlisten", reason: "a cleaner" }];
    await using db = actor({ allow });

    await db.pool.query("unlisten nothing_at_all");
    await expectRefused(await rejection(db.pool.query(listen())));

    expect(db.seen).toMatchObject([
      { action: "allowed", reason: "a cleaner" },
      { action: "refused" },
    ]);
    expect(db.seen[0]?.message).toContain("Allowed: a cleaner.");
    expect(db.seen[1]).not.toHaveProperty("reason");
  });

  test("observe tells what is allowed from what it would have refused", async () => {
    const allow = [{ rule: "session-state/no-listen", match: "nothing_a", reason: "a cleaner" }];
    await using db = actor({ mode: "observe", allow });

    await db.pool.query("unlisten nothing_a");
    await db.pool.query("unlisten nothing_b");

    expect(db.seen.map(({ action, reason }) => [action, reason])).toEqual([
      ["allowed", "a cleaner"],
      ["would-have", undefined],
    ]);
  });

  test("a named statement is refused where the pooler does not carry it", async () => {
    const pooler = { kind: "pgbouncer", version: "1.18" } as const;
    await using old = actor({ targets: { main: { pooler, pooled: bed.urls.pooled } } });
    await using recent = actor();
    const query = { name: "one", text: "select 1 as n" };

    expect(await rejection(old.pool.query(query))).toMatchObject({ code: "statements/no-named" });
    expect((await recent.pool.query(query)).rows).toEqual([{ n: 1 }]);
  });
});

describe("allowing()", () => {
  test("lets what its function sends pass, and nothing beside it", async () => {
    await using db = actor();
    const rule = "session-state/no-listen";
    const text = "unlisten nothing_at_all";

    const [, beside] = await Promise.all([
      allowing(rule, "a cleaner", () => db.pool.query(text)),
      rejection(db.pool.query(text)),
    ]);
    await allowing(rule, "a cleaner", () =>
      unitOfWork({ setLocal: { "a.b": "c" } }, () => transaction(() => db.pool.query(text))),
    );
    await allowing(rule, "a cleaner", () =>
      unitOfWork({ setLocal: { "a.b": "c" } }, () =>
        Promise.all([db.pool.query("select 1"), db.pool.query(text)]),
      ),
    );

    expect(beside).toMatchObject({ code: rule });
    const allowed = db.seen.filter(({ action }) => action === "allowed");
    expect(allowed.map(({ reason }) => reason)).toEqual(["a cleaner", "a cleaner", "a cleaner"]);
    expect(allowed[0]?.message).toContain("Allowed: a cleaner.");
  });

  test("allows one rule, and those of the functions around it", async () => {
    await using db = actor();

    const error = await allowing("session-state/no-listen", "outer", () =>
      allowing("session-state/no-set", "inner", async () => {
        await db.pool.query("unlisten nothing_at_all");
        await db.pool.query("reset app.nothing");
        return await rejection(db.pool.query("discard temp"));
      }),
    );

    expect(error).toMatchObject({ code: "session-state/no-discard" });
  });

  test("wants a rule that there is, and a reason", async () => {
    expect(await rejection(allowing("session-state/nothing", "x", () => 1))).toMatchObject({
      code: "policy/invalid",
    });
    expect(await rejection(allowing("session-state/no-set", " ", () => 1))).toMatchObject({
      code: "policy/invalid",
    });
    expect(await allowing("session-state/no-set", "x", () => 1)).toBe(1);
  });
});

test("what no text shows the inside of is counted, once for each name", async () => {
  await using db = actor();
  await db.pool.query("create or replace procedure hidden_one() language sql as 'select 1'");

  await db.pool.query("call hidden_one()");
  await db.pool.query("call hidden_one() -- again");
  await db.pool.query("do $$ begin perform 'secret'; end $$");

  const listed = opaqueStatements().filter(({ name }) => name === "hidden_one");
  expect(listed).toEqual([
    {
      target: "main",
      lane: "pooled",
      by: "call",
      name: "hidden_one",
      count: 2,
      statement: "call hidden_one()",
    },
  ]);
  expect(JSON.stringify(opaqueStatements())).not.toContain("secret");
  expect(db.seen).toEqual([]);
});

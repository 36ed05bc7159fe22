import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pgModule from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** Its strings escape with a backslash. */
const LEGACY = "legacy";

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({
    allowDownload: true,
    poolSize: 1,
    databases: [LEGACY],
    pooler: { version: "1.24" },
  });
  await bed.sql(`alter database ${LEGACY} set standard_conforming_strings = off`, "app");
  await bed.sql(
    `
    create function speak(text) returns text language sql as
      $$ select set_config('client_encoding', $1, false); $$;
    create function escape(text) returns text language sql as
      $$ select set_config('standard_conforming_strings', $1, false); $$;`,
    "app",
  );
});
afterAll(() => bed.stop());

function guarded(policy: Policy = {}): {
  readonly pg: ReturnType<typeof guardPg<typeof pgModule>>;
  readonly pool: InstanceType<(typeof pgModule)["Pool"]>;
  readonly seen: Violation[];
} & AsyncDisposable {
  const seen: Violation[] = [];
  const own = definePolicy({
    extends: ["recommended"],
    mode: "enforce",
    targets: {
      main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled: bed.urls.pooled },
    },
    ...policy,
    onViolation: (violation) => seen.push(violation),
  });
  const pg = guardPg(pgModule, own);
  const pool = new pg.Pool();
  return { pg, pool, seen, [Symbol.asyncDispose]: () => pool.end() };
}

const RULE = "session-state/no-set";

/** The server converts `Á\` of these to one character before it looks for the end of the string. */
const HIDDEN = String.raw`select E'Á\' as a, pg_advisory_lock(77) as b --'`;
const ESCAPED = String.raw`select '\'' as a, pg_advisory_lock(78) as b, '\''`;
const LOCKS = "select from pg_locks where locktype = 'advisory'";

describe("a session that reads texts otherwise", () => {
  test("hides a lock from whoever reads its texts as UTF-8", async () => {
    const client = new pgModule.Client({ connectionString: bed.urls.direct });
    await client.connect();
    await client.query("set client_encoding to 'SJIS'");
    await client.query(HIDDEN);
    const locks = await bed.sql(LOCKS, "app");
    await client.end();

    expect(locks).toHaveLength(1);
  });

  test.each([
    "set client_encoding to 'SJIS'",
    "set names 'BIG5'",
    "set local client_encoding = gbk",
    "select set_config('client_encoding', 'uhc', true)",
    "reset client_encoding",
  ])("is not made by %s", async (text) => {
    await using db = guarded();

    await expect(db.pool.query(text)).rejects.toMatchObject({ code: RULE });

    expect((await db.pool.query("show client_encoding")).rows).toEqual([
      { client_encoding: "UTF8" },
    ]);
  });

  test("gets no more text with other characters than ASCII, when a function has made it", async () => {
    await using db = guarded();

    const client = await db.pool.connect();
    await client.query("select speak('SJIS')");
    await expect(client.query(HIDDEN)).rejects.toMatchObject({ code: RULE });
    const ascii = await client.query(String.raw`select E'\\' as s`);
    await client.query("select speak('UTF8')");
    const again = await client.query("select 'Á' as s");
    client.release();

    expect([ascii.rows, again.rows]).toEqual([[{ s: "\\" }], [{ s: "Á" }]]);
    expect(db.seen).toMatchObject([{ rule: RULE, action: "refused" }]);
    expect(JSON.stringify(db.seen)).not.toContain("77");
    expect(await bed.sql(LOCKS, "app")).toEqual([]);
  });

  test("gets no text with a backslash where strings escape by a default of the database", async () => {
    const { pooled } = bed.urlsFor({ database: LEGACY });
    await using db = guarded({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled } },
    });

    await expect(
      db.pool.query(String.raw`select '\'', pg_advisory_lock(78), '\''`),
    ).rejects.toMatchObject({ code: RULE });
    const bound = await db.pool.query("select $1::text as s", ["\\"]);

    expect(bound.rows).toEqual([{ s: "\\" }]);
  });

  test("is not made by the options of the connection", async () => {
    const options = encodeURIComponent("-c standard_conforming_strings=off");
    const pooled = `${bed.urls.pooled}?options=${options}`;
    await using db = guarded({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled } },
    });

    await expect(db.pool.query("select 1")).rejects.toMatchObject({ code: "startup/refused" });
  });

  test("gets no such text either that waits behind the statement which makes it so", async () => {
    await using db = guarded();

    const client = await db.pool.connect();
    const asked = await Promise.allSettled([
      client.query("select speak('SJIS')"),
      client.query(HIDDEN),
      client.query("select 1 as n"),
      client.query("select speak('UTF8')"),
      client.query("select 'Á' as s"),
    ]);
    client.release();

    expect(asked.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
    expect(asked[1]).toMatchObject({ reason: { code: RULE } });
    expect(await bed.sql(LOCKS, "app")).toEqual([]);
  });

  test("gets one that waits behind the statement which makes it right", async () => {
    const { pooled } = bed.urlsFor({ database: LEGACY });
    await using db = guarded({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled } },
    });
    db.pool.on("connect", (client) => void client.query("set standard_conforming_strings = on"));

    const first = await db.pool.query(String.raw`select '\\' as s`);

    expect(first.rows).toEqual([{ s: String.raw`\\` }]);
    expect(db.seen).toEqual([]);
  });

  test("gets none that waits for the login", async () => {
    const { pooled } = bed.urlsFor({ database: LEGACY });
    await using db = guarded({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled } },
    });
    const { Client } = db.pg;
    const client = new Client({ connectionString: pooled });

    const asked = await Promise.allSettled([client.connect(), client.query(ESCAPED)]);
    await client.end();

    expect(asked).toMatchObject([{ status: "fulfilled" }, { reason: { code: RULE } }]);
  });

  test("gets none with a pipelined login, from the second connection on", async () => {
    const { pooled } = bed.urlsFor({ database: LEGACY });
    await using db = guarded({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled } },
      connections: { pipelineHandshake: true, lingerMs: 0 },
    });
    await db.pool.query("select 1");

    for (let round = 0; round < 3; round++) {
      await expect(db.pool.query(ESCAPED)).rejects.toMatchObject({ code: RULE });
    }
  });

  test("is only reported in observe", async () => {
    await using db = guarded({ mode: "observe" });

    const client = await db.pool.connect();
    await client.query("select escape('off')");
    await client.query(String.raw`select 'a\\b' as s`);
    await client.query("select escape('on')");
    client.release();

    expect(db.seen).toMatchObject([{ rule: RULE, action: "would-have" }]);
  });
});

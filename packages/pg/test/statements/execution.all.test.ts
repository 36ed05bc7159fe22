import { type Effect, effectsOf } from "@doorpolicy/core";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What is left of a statement on the connection that ran it. */
type Trace = "channels" | "cursors" | "locks" | "prepared" | "sequences" | "settings" | "temp";

/**
 * The modes of the transaction are listed as the session's once they were set, whatever they are by then;
 * and a parameter of nobody's that was set for a transaction is `''` afterwards, and not unknown as before.
 */
const TRACES = `select
  array(select name || '=' || setting from pg_settings 
    where source = 'session' and name not like 'transaction\\_%' order by 1)
    || array[current_user::text, session_user::text, coalesce(current_setting('app.tenant', true), '')] as settings,
  array(select objid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
  array(select pg_listening_channels()) as channels,
  array(select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind in ('r', 'v', 'S'))
    || array(select proname from pg_proc where pronamespace = pg_my_temp_schema()) as temp,
  array(select name from pg_prepared_statements where from_sql) as prepared,
  array(select name from pg_cursors where name <> '') as cursors`;

/** Each runs on a connection of its own, by itself and in a block that is committed. */
const FORMS: readonly string[] = [
  "select 1",
  "select 'set_config(''work_mem'', ''2MB'', false)', $$listen x$$",
  "set work_mem = '2MB'",
  "set app.tenant = 'a'",
  "set local work_mem = '2MB'",
  "set time zone 'Asia/Tokyo'",
  "set local time zone 'Asia/Tokyo'",
  "set names 'latin1'",
  "set schema 'pg_catalog'",
  "set role other",
  "set local role other",
  "set session authorization other",
  "set xml option document",
  "set session characteristics as transaction isolation level serializable",
  "set transaction isolation level serializable",
  "select set_config('app.tenant', 'a', false)",
  "select set_config('app.tenant', 'a', true)",
  "select pg_catalog.\"set_config\"('app.tenant', 'a', 'off'::bool)",
  "select set_config('app.tenant', 'a', null)",
  "select set_config('app.tenant', 'a', 'YES')",
  "with x (a) as (select set_config('app.tenant', 'a', false)) select * from x",
  "insert into t select 1, set_config('app.tenant', 'a', false)",
  "update t set b = set_config('app.tenant', 'a', false)",
  "delete from t where b = set_config('app.tenant', 'a', false)",
  "update pg_settings set setting = '2MB' where name = 'work_mem'",
  "explain select set_config('app.tenant', 'a', false)",
  "explain analyze select set_config('app.tenant', 'a', false)",
  "explain (analyze off) select set_config('app.tenant', 'a', false)",
  "copy (select set_config('app.tenant', 'a', false)) to '/dev/null'",
  "declare c cursor with hold for select set_config('app.tenant', 'a', false)",
  "declare c cursor with hold for select 1",
  "create temp table x as select set_config('app.tenant', 'a', false)",
  "create temp view v as select set_config('app.tenant', 'a', false)",
  "prepare q as select set_config('app.tenant', 'a', false)",
  "alter table t add column c text default set_config('app.tenant', 'a', false)",
  "alter table t alter column b set default set_config('app.tenant', 'a', false)",
  "alter role other set work_mem = '2MB'",
  "create function f() returns int language sql set work_mem = '2MB' begin atomic select nextval('s')::int; end",
  "create rule r as on insert to t do also (select nextval('s'); notify y)",
  "select pg_advisory_lock(1)",
  "select pg_advisory_lock_shared(1, 2)",
  "select pg_try_advisory_lock(1)",
  "select pg_advisory_xact_lock(1)",
  "select pg_try_advisory_xact_lock_shared(1)",
  "listen ch",
  "select pg_notify('ch', '')",
  "notify ch",
  "unlisten *",
  "create temp table x (a int)",
  "create table pg_temp.x (a int)",
  "create temp sequence x",
  "create function pg_temp.f() returns int language sql as 'select 1'",
  "create temp table x (a int) on commit drop",
  "create temp table x on commit drop as select 1",
  "create temp table x (a int) on commit delete rows",
  "select a into temp x from t",
  "select a into pg_temp.x from t",
  "select nextval('s')",
  "select setval('s', 5)",
  "deallocate all",
  "discard plans",
  "reset work_mem",
  "load 'plpgsql'",
];

/** Each is refused in a block, and is told to be. */
const OUTSIDE_BLOCKS: readonly string[] = [
  "vacuum t",
  "vacuum (analyze) t",
  "create index concurrently on t (a)",
  "drop index concurrently i",
  "reindex table concurrently t",
  "reindex (concurrently) index i",
  "reindex schema public",
  "reindex database postgres",
  "create database d",
  "drop database d",
  "create tablespace x location '/nowhere'",
  "drop tablespace x",
  "alter system set work_mem = '4MB'",
  "alter database postgres set tablespace pg_default",
  "alter database postgres with tablespace = pg_default",
  "cluster",
  "alter table p detach partition p1 concurrently",
];

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, pooler: false });
  const owner = new URL(bed.urls.direct).username;
  // Some statements are a superuser's.
  await bed.sql(`create role other; alter role ${owner} superuser`);
  await bed.sql(
    "create table t (a int, b text); insert into t values (1, 'x'); create sequence s; create index i on t (a)",
  );
  await bed.sql(
    "create table p (a int) partition by list (a); create table p1 partition of p for values in (1)",
  );
});

afterAll(() => bed.stop());

describe("what a statement leaves on its connection is what its text says", () => {
  for (const text of FORMS) {
    test(`${text}; by itself`, async () => {
      expect(await tracesOf([text])).toEqual(expectedTraces(text));
    });

    test(`${text}; in a block that is committed`, async () => {
      expect(await tracesOf(["begin", text, "commit"])).toEqual(expectedTraces(text));
    });
  }

  test("a function may be qualified with the database as well", async () => {
    const database = new URL(bed.urls.direct).pathname.slice(1);
    const text = `select "${database}".pg_catalog.set_config('app.tenant', 'a', false)`;

    expect(await tracesOf([text])).toEqual(["settings"]);
    expect(expectedTraces(text)).toEqual(["settings"]);
  });

  test("setseed() decides what random() gives to whoever comes next, as SET seed does", async () => {
    const [first, second] = [
      await randomBehind("select setseed(0.25)"),
      await randomBehind("set seed = 0.25"),
    ];

    expect(first).toEqual(second);
    expect(effectsOf("select setseed(0.25)").effects).toMatchObject([
      { parameter: "seed", scope: "session" },
    ]);
  });
});

describe("what needs autocommit is refused inside a block", () => {
  for (const text of OUTSIDE_BLOCKS) {
    test(text, async () => {
      expect(kindsIn(text)).toEqual(["needs-autocommit"]);
      expect(await codeInBlock(text)).toBe("25001");
    });
  }

  for (const text of FORMS) {
    test(`${text}: is not`, async () => {
      expect(kindsIn(text)).not.toContain("needs-autocommit");
      expect(await codeInBlock(text)).not.toBe("25001");
    });
  }
});

async function randomBehind(text: string): Promise<unknown> {
  return onConnection(async (client) => {
    await client.query(text);
    return (await client.query("select random()")).rows[0];
  });
}

function kindsIn(text: string): string[] {
  return effectsOf(text).effects.map(({ kind }) => kind);
}

function expectedTraces(text: string): Trace[] {
  const traces = new Set(effectsOf(text).effects.flatMap((effect) => traceOf(effect) ?? []));
  return [...traces].toSorted();
}

function traceOf(effect: Effect): Trace | undefined {
  switch (effect.kind) {
    case "set":
      // What was never set is not changed by RESET.
      return effect.scope === "session" && effect.by !== "reset" ? "settings" : undefined;
    case "session-lock":
      return "locks";
    case "listen":
      return "channels";
    case "temp":
      return effect.isDroppedOnCommit ? undefined : "temp";
    case "prepare":
      return "prepared";
    case "cursor":
      return effect.isHeld ? "cursors" : undefined;
    case "sequence":
      return "sequences";
    default:
      return undefined;
  }
}

async function onConnection<Result>(run: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(bed.urls.direct);
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

/** What differs before and after. What the statements did to the database is taken back. */
async function tracesOf(texts: readonly string[]): Promise<Trace[]> {
  return onConnection(async (client) => {
    const before = await look(client);
    for (const text of texts) await client.query(text);
    const after = await look(client);
    const found = Object.keys(after).filter(
      (key): key is Trace => JSON.stringify(after[key]) !== JSON.stringify(before[key]),
    );
    return found.toSorted();
  }).finally(() => restore());
}

async function look(client: pg.Client): Promise<Record<string, unknown>> {
  const { rows } = await client.query(TRACES);
  return { ...rows[0], sequences: await hasCurrentValue(client) };
}

/** `currval()` is an error until the session has used the sequence. */
async function hasCurrentValue(client: pg.Client): Promise<boolean> {
  return client.query("select currval('s')").then(
    () => true,
    () => false,
  );
}

async function restore(): Promise<void> {
  await bed.sql(
    "drop rule if exists r on t; drop function if exists f(); alter table t drop column if exists c; alter table t alter column b drop default; alter role other reset all; truncate t; insert into t values (1, 'x')",
  );
}

async function codeInBlock(text: string): Promise<string | undefined> {
  return onConnection(async (client) => {
    await client.query("begin");
    return client.query(text).then(
      () => undefined,
      (error: unknown) => (error instanceof pg.DatabaseError ? error.code : undefined),
    );
  });
}

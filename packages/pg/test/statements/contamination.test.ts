import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pgModule from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, poolSize: 1, pooler: { version: "1.24" } });
  await bed.sql(
    `
    create function hidden_setting() returns void language sql as
      $$ select set_config('default_transaction_read_only', 'on', false); $$;
    create table hidden (a int);
    create function on_hidden() returns trigger language plpgsql as $$ begin
      perform set_config('default_transaction_read_only', 'on', false); return new; end $$;
    create trigger hidden before insert on hidden for each row execute function on_hidden();
    grant all on hidden to app;`,
    "app",
  );
});
afterAll(() => bed.stop());

/** A pool that keeps its one connection for the next who asks. */
function keeping(policy: Policy = {}): {
  readonly pool: InstanceType<(typeof pgModule)["Pool"]>;
  readonly seen: Violation[];
} & AsyncDisposable {
  const seen: Violation[] = [];
  const own = definePolicy({
    extends: ["recommended", "supabase"],
    mode: "enforce",
    targets: {
      main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled: bed.urls.pooled },
    },
    connections: { reuse: "pool", maxPerProcess: 1 },
    ...policy,
    onViolation: (violation) => seen.push(violation),
  });
  const pool = new (guardPg(pgModule, own).Pool)();
  return { pool, seen, [Symbol.asyncDispose]: () => pool.end() };
}

/** A service without a policy on the same one server connection. */
async function stranger(...texts: readonly string[]): Promise<void> {
  const client = new pgModule.Client({ connectionString: bed.urls.pooled });
  await client.connect();
  for (const text of texts) await client.query(text);
  await client.end();
}

const RULE = "connections/contaminated";

describe("a connection with signs of another client's session", () => {
  test("is closed at its release, and reported, when a notification arrives", async () => {
    await stranger("listen leaked");
    await using db = keeping();

    const first = await db.pool.connect();
    await first.query("begin");
    await bed.sql("notify leaked", "app");
    await first.query("select 1");
    await first.query("commit");
    // It comes before the answer to COMMIT.
    expect(db.seen).toHaveLength(1);
    expect((await first.query("select 2 as n")).rows).toEqual([{ n: 2 }]);
    first.release();
    await db.pool.query("select 1");

    expect(db.seen).toMatchObject([{ rule: RULE, action: "closed" }]);
    expect(db.pool).toMatchObject({ counters: { opened: 2 } });
    await stranger("unlisten *");
  });

  test("is closed when a parameter has changed that no statement has set", async () => {
    await using db = keeping();

    await db.pool.query("insert into hidden values (1)");
    await db.pool.query("select 1");

    expect(db.seen).toMatchObject([{ rule: RULE, action: "closed" }]);
    expect(db.seen[0]?.message).toContain("`default_transaction_read_only`");
    expect(db.pool).toMatchObject({ counters: { opened: 2 } });
    await stranger("reset default_transaction_read_only");
  });

  test("is closed without a report where a text may have set the parameter", async () => {
    await using db = keeping();

    await db.pool.query("select hidden_setting()");
    await db.pool.query("select 1");

    expect(db.seen).toEqual([]);
    expect(db.pool).toMatchObject({ counters: { opened: 2 } });
    await stranger("reset default_transaction_read_only");
  });
});

describe("a connection is as clean as before", () => {
  test("after settings of a transaction, and after those that the pooler follows", async () => {
    await using db = keeping();

    const client = await db.pool.connect();
    await client.query("begin");
    await client.query("set local time zone 'Asia/Tokyo'");
    await client.query("commit");
    client.release();
    await db.pool.query("begin; set local datestyle = 'German'; select now(); commit");

    expect(db.seen).toEqual([]);
    expect(db.pool).toMatchObject({ counters: { opened: 1 } });
  });

  test("after blocks in every form", async () => {
    await using db = keeping();

    const client = await db.pool.connect();
    await client.query("select 1; begin; select 2");
    await client.query("commit and chain");
    await client.query("rollback");
    await Promise.all([client.query("begin"), client.query("select 1"), client.query("commit")]);
    client.release();
    await db.pool.query("select 1");

    expect(db.seen).toEqual([]);
    expect(db.pool).toMatchObject({ counters: { opened: 1 } });
  });
});

import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaPg as PrismaPg6 } from "adapter-pg-6";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { PrismaClient } from "../../../integration/generated/client.ts";
import { type SqlDriverAdapter, withPolicy } from "../src/index.ts";

const NAME = "billing:deploy@web-1";

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, poolSize: 5, pooler: { version: "1.18" } });
  await bed.sql("create table audit (id serial primary key, note text not null)");
  await bed.sql("alter table audit owner to app");
});

afterAll(() => bed.stop());

describe.each([
  ["7.10", PrismaPg],
  ["6.19", PrismaPg6],
])("the guarded adapter over @prisma/adapter-pg %s", (_version, Adapter) => {
  test("says the policy's name, whatever the URL says", async () => {
    const { adapter } = withPolicy(
      { PrismaPg: Adapter, url: `${bed.urls.pooled}?application_name=other` },
      policyOf(),
    );
    const db = await adapter.connect();

    const { rows } = await db.queryRaw(sql("select current_setting('application_name')"));

    expect(rows).toEqual([[NAME]]);
    await db.dispose();
  });

  test("leaves no connection behind after a statement and after a transaction", async () => {
    const { adapter } = withPolicy({ PrismaPg: Adapter }, policyOf());
    const db = await adapter.connect();

    await db.executeRaw(sql("insert into audit (note) values ('kept')"));
    const transaction = await db.startTransaction("SERIALIZABLE");
    await transaction.executeRaw(sql("insert into audit (note) values ('kept')"));
    await transaction.executeRaw(sql("COMMIT"));
    await transaction.commit();

    await eventually(async () => expect(await clients()).toEqual([]));
    expect(await notes()).toEqual(["kept", "kept"]);
    await db.dispose();
    await bed.sql("delete from audit");
  });

  test("hands no open transaction to a stranger", async () => {
    const seen: Violation[] = [];
    const { adapter } = withPolicy({ PrismaPg: Adapter }, policyOf(seen));
    const db = await adapter.connect();

    await expect(db.executeRaw(sql("BEGIN"))).rejects.toThrow(/begun or ended through `pool.query/);
    const transaction = await db.startTransaction();
    await transaction.executeRaw(sql("insert into audit (note) values ('lost')"));
    await transaction.commit();

    await eventually(() =>
      expect(seen.map(({ rule }) => rule)).toEqual([
        "transaction/no-raw-control",
        "transaction/left-open",
      ]),
    );
    expect(await notes()).toEqual([]);
    await db.dispose();
  });

  test("keeps the settings and the schema of an adapter that the service made", async () => {
    const own = new Adapter({ connectionString: bed.urls.pooled, max: 2 }, { schema: "billing" });
    const { adapter } = withPolicy({ adapter: own }, policyOf());

    const db = await adapter.connect();

    expect(db.getConnectionInfo?.().schemaName).toBe("billing");
    expect(poolOf(db)).toMatchObject({ options: { max: 2, maxUses: 1, application_name: NAME } });
    await db.dispose();
    await db.dispose();
    expect(poolOf(db)).toHaveProperty("ended", true);
  });

  test("keeps the password of a pool that the service made", async () => {
    const { hostname, port, username, password, pathname } = new URL(bed.urls.pooled);
    const pool = new pg.Pool({
      host: hostname,
      port: Number(port),
      user: username,
      password,
      database: pathname.slice(1),
    });
    const { adapter } = withPolicy({ adapter: new Adapter(pool) }, policyOf());
    const db = await adapter.connect();

    const { rows } = await db.queryRaw(sql("select 1"));

    expect(rows).toEqual([[1]]);
    expect(poolOf(db)).toMatchObject({ options: { password } });
    expect(pool.totalCount).toBe(0);
    await db.dispose();
  });

  test("refuses to make a shadow database through the pooler", async () => {
    const { adapter } = withPolicy({ PrismaPg: Adapter }, policyOf());

    const shadow = "connectToShadowDb" in adapter ? adapter.connectToShadowDb : undefined;

    expect(shadow).toBeTypeOf("function");
    await expect(Reflect.apply(Object(shadow), adapter, [])).rejects.toMatchObject({
      code: "options/refused",
    });
  });
});

describe("Prisma 7.10, through PgBouncer 1.18 in transaction mode", () => {
  test("runs models, nested and interactive transactions, and leaves no connection behind", async () => {
    const prisma = new PrismaClient(withPolicy({}, policyOf()));

    await prisma.audit.create({ data: { note: "one" } });
    await prisma.$transaction([prisma.audit.create({ data: { note: "two" } })]);
    await prisma.$transaction(async (tx) => {
      await tx.audit.create({ data: { note: "three" } });
    });

    expect(await prisma.audit.count()).toBe(3);
    await eventually(async () => expect(await clients()).toEqual([]));
    await prisma.$disconnect();
    await bed.sql("delete from audit");
  });

  test("starts a fresh pool when it connects again after $disconnect()", async () => {
    const prisma = new PrismaClient(withPolicy({}, policyOf()));
    await prisma.$connect();
    await prisma.$queryRaw`select 1`;

    await prisma.$disconnect();
    await prisma.$disconnect();
    await prisma.$connect();
    const rows = await prisma.$queryRaw`select current_setting('application_name') as name`;

    expect(rows).toEqual([{ name: NAME }]);
    await prisma.$disconnect();
  });

  test("shows the policy's own error when no connection is free in time", async () => {
    const prisma = new PrismaClient(
      withPolicy({}, policyOf([], { connections: { maxPerProcess: 1, acquireTimeoutMs: 200 } })),
    );

    const both = prisma.$transaction(async () => {
      await prisma.audit.count();
    });

    await expect(both).rejects.toThrow(/No connection within 200 ms/);
    await prisma.$disconnect();
  });

  test("sends the limits with BEGIN", async () => {
    const prisma = new PrismaClient(
      withPolicy({}, policyOf([], { transaction: { lockTimeoutMs: 4_321 } })),
    );

    const rows = await prisma.$transaction(
      (tx) => tx.$queryRaw`select current_setting('lock_timeout') as lock`,
    );

    expect(rows).toEqual([{ lock: "4321ms" }]);
    await prisma.$disconnect();
  });
});

/** Enforced and named, on the pooled URL; violations are kept. */
function policyOf(seen: Violation[] = [], policy: Policy = {}): Policy {
  return definePolicy({
    mode: "enforce",
    naming: { app: "billing", user: "deploy", host: "web-1" },
    targets: { main: { pooler: { kind: "pgbouncer", version: "1.18" }, pooled: bed.urls.pooled } },
    onViolation: (one) => void seen.push(one),
    ...policy,
  });
}

function sql(text: string): { sql: string; args: unknown[]; argTypes: unknown[] } {
  return { sql: text, args: [], argTypes: [] };
}

function poolOf(db: SqlDriverAdapter): unknown {
  return "underlyingDriver" in db && typeof db.underlyingDriver === "function"
    ? db.underlyingDriver()
    : undefined;
}

async function notes(): Promise<unknown[]> {
  const rows = await bed.sql("select note from audit order by id");
  return rows.map(({ note }) => note);
}

/** PgBouncer, not Prisma, is asked: only it knows who is still connected. */
async function clients(): Promise<string[]> {
  const rows = await bed.admin("SHOW CLIENTS");
  return rows
    .filter((row) => row["database"] !== "pgbouncer")
    .map((row) => row["application_name"] ?? "");
}

/** Asks until it is so, for at most five seconds; then shows how it differs. */
async function eventually(assertion: () => Promise<void> | void): Promise<void> {
  const until = Date.now() + 5_000;
  for (;;) {
    try {
      await assertion();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }
}

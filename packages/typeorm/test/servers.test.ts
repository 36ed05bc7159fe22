import { definePolicy, type LaneChoice, type Policy, type Violation } from "@doorpolicy/core";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import { DataSource, EntitySchema } from "typeorm";
import { DataSource as DataSource03, EntitySchema as EntitySchema03 } from "typeorm03";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { endPools, withPolicy } from "../src/index.ts";

const NAME = "billing:deploy@web-1";

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, poolSize: 5, pooler: { version: "1.18" } });
  await bed.sql("create table invoice (id serial primary key, number text unique not null)");
  await bed.sql("alter table invoice owner to app; grant create on schema public to app");
});

afterAll(() => bed.stop());

interface Invoice {
  id: number;
  number: string;
}

const COLUMNS = {
  id: { type: "int", primary: true, generated: true },
  number: { type: "text", unique: true },
} as const;

/** One version of TypeORM, reduced to what both have. */
interface Version {
  readonly title: string;
  /** Each setting is said once a process, so each version has one of its own. */
  readonly limit: number;
  readonly open: (policy: Policy, options?: object, choice?: LaneChoice) => DataSource;
}

const VERSIONS: readonly Version[] = [
  {
    title: "TypeORM 1.x",
    limit: 4_001,
    open: (policy, options = {}, choice = {}) =>
      new DataSource(
        withPolicy(
          {
            type: "postgres",
            entities: [new EntitySchema<Invoice>({ name: "invoice", columns: COLUMNS })],
            ...options,
          },
          definePolicy(policy),
          choice,
        ),
      ),
  },
  {
    title: "TypeORM 0.3",
    limit: 4_003,
    open: (policy, options = {}, choice = {}) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests call what both versions have.
      new DataSource03(
        withPolicy(
          {
            type: "postgres",
            entities: [new EntitySchema03<Invoice>({ name: "invoice", columns: COLUMNS })],
            ...options,
          },
          definePolicy(policy),
          choice,
        ),
      ) as unknown as DataSource,
  },
];

describe.each(VERSIONS)("$title, through PgBouncer 1.18 in transaction mode", ({ open, limit }) => {
  test("says the policy's name, whatever the URL says", async () => {
    const source = await open(policyTo(`${bed.urls.pooled}?application_name=other`)).initialize();

    const rows: unknown = await source.query("select current_setting('application_name') as name");

    expect(rows).toEqual([{ name: NAME }]);
    await source.destroy();
  });

  test("leaves no connection behind after start and after a query", async () => {
    const source = await open(policyTo(bed.urls.pooled)).initialize();

    await source.getRepository<Invoice>("invoice").find();

    await eventually(async () => expect(await clients()).toEqual([]));
    await source.destroy();
  });

  test("sends a limit of `extra` with BEGIN, and reports that it does", async () => {
    const seen: Violation[] = [];
    const policy = {
      ...policyTo(bed.urls.pooled),
      onViolation: (one: Violation) => void seen.push(one),
    };
    const source = await open(policy, { extra: { statement_timeout: limit } }).initialize();

    const inside = await source.transaction((manager): Promise<unknown> =>
      manager.query("select setting from pg_settings where name = 'statement_timeout'"),
    );
    const outside: unknown = await source.query("show statement_timeout");

    expect(inside).toEqual([{ setting: String(limit) }]);
    expect(outside).toEqual([{ statement_timeout: "0" }]);
    expect(seen.map(({ rule, action }) => `${rule} ${action}`)).toEqual([
      "transaction/limits translated",
    ]);
    await source.destroy();
  });

  test("hands no open transaction to a stranger when a runner is released inside one", async () => {
    const seen: Violation[] = [];
    const source = await open({
      ...policyTo(bed.urls.pooled),
      onViolation: (one) => void seen.push(one),
    }).initialize();
    const runner = source.createQueryRunner();
    await runner.startTransaction();
    await runner.query("insert into invoice (number) values ($1)", [crypto.randomUUID()]);

    await runner.release();
    await source.getRepository<Invoice>("invoice").save({ number: "kept" });

    const rows = await bed.sql("select number from invoice");
    expect(rows).toEqual([{ number: "kept" }]);
    expect(seen.map(({ rule, action }) => `${rule} ${action}`)).toContain(
      "transaction/left-open rolled-back",
    );
    await source.destroy();
    await bed.sql("delete from invoice");
  });

  test("destroys a DataSource whose runner was never released", async () => {
    const source = await open({
      ...policyTo(bed.urls.pooled),
      onViolation: () => undefined,
    }).initialize();
    const runner = source.createQueryRunner();
    await runner.startTransaction();

    await source.destroy();

    await eventually(async () => expect(await clients()).toEqual([]));
  });

  test("names primary and replica alike", async () => {
    const source = await open(policyTo(undefined), {
      replication: {
        master: { url: `${bed.urls.pooled}?application_name=other` },
        slaves: [{ url: `${bed.urls.session}?statement_timeout=10` }],
      },
    }).initialize();
    const primary = source.createQueryRunner("master");
    const replica = source.createQueryRunner("slave");

    const names = [
      await primary.query("show application_name"),
      await replica.query("show application_name"),
    ];

    expect(names).toEqual([[{ application_name: NAME }], [{ application_name: NAME }]]);
    await primary.release();
    await replica.release();
    await source.destroy();
  });

  test("is not led past the policy by an installed pg-native", async () => {
    const guarded = open(policyTo(bed.urls.pooled)).options;
    // TypeORM takes `driver.native` whenever it finds pg-native, by this option or by its name.
    const source = new DataSource(Object.assign({}, guarded, { nativeDriver: {} }));

    await source.initialize();
    const rows: unknown = await source.query("select current_setting('application_name') as name");

    expect(rows).toEqual([{ name: NAME }]);
    await source.destroy();
  });

  test("runs `synchronize` on the direct lane", async () => {
    const source = await open(
      policyTo(undefined),
      { synchronize: true, entityPrefix: "sync_" },
      { lane: "direct" },
    ).initialize();

    const rows = await bed.sql("select to_regclass('sync_invoice') is not null as made");

    expect(rows).toEqual([{ made: "t" }]);
    await source.destroy();
    await bed.sql("drop table sync_invoice");
  });

  test("ends the pools that a failed start has left", async () => {
    const logger = {
      logQuery(text: string): void {
        if (text.includes("version()")) throw new Error("a failed start");
      },
    };
    const source = open(policyTo(bed.urls.pooled), { logger });

    await expect(source.initialize()).rejects.toThrow("a failed start");
    const ended = await endPools(source.options);

    expect(ended).toBe(1);
    expect(await endPools(source.options)).toBe(0);
    await eventually(async () => expect(await clients()).toEqual([]));
  });
});

/** Enforced, named, on this URL. */
function policyTo(url: string | undefined): Policy {
  return {
    mode: "enforce",
    naming: { app: "billing", user: "deploy", host: "web-1" },
    targets: {
      main: {
        pooler: { kind: "pgbouncer", version: "1.18" },
        direct: bed.urls.direct,
        ...(url === undefined ? {} : { pooled: url }),
      },
    },
  };
}

/** PgBouncer, not TypeORM, is asked: only it knows who is still connected. */
async function clients(): Promise<string[]> {
  const rows = await bed.admin("SHOW CLIENTS");
  return rows
    .filter((row) => row["database"] !== "pgbouncer")
    .map((row) => row["application_name"] ?? "");
}

/** Asks until it is so, for at most five seconds; then shows how it differs. */
async function eventually(assertion: () => Promise<void>): Promise<void> {
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

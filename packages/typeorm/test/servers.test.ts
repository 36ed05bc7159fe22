import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
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
  await bed.sql("alter table invoice owner to app");
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
  open(policy: Policy, options?: object): DataSource;
}

const VERSIONS: readonly Version[] = [
  {
    title: "TypeORM 1.x",
    open: (policy, options = {}) =>
      new DataSource(
        withPolicy(
          {
            type: "postgres",
            entities: [new EntitySchema<Invoice>({ name: "invoice", columns: COLUMNS })],
            ...options,
          },
          definePolicy(policy),
        ),
      ),
  },
  {
    title: "TypeORM 0.3",
    open: (policy, options = {}) =>
      new DataSource03(
        withPolicy(
          {
            type: "postgres",
            entities: [new EntitySchema03<Invoice>({ name: "invoice", columns: COLUMNS })],
            ...options,
          },
          definePolicy(policy),
        ),
      ) as unknown as DataSource,
  },
];

describe.each(VERSIONS)("$title, through PgBouncer 1.18 in transaction mode", ({ open }) => {
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
    const policy = { ...policyTo(bed.urls.pooled), onViolation: (one: Violation) => void seen.push(one) };
    const source = await open(policy, { extra: { statement_timeout: 4_321 }, applicationName: crypto.randomUUID() }).initialize();

    const inside = await source.transaction(
      (manager): Promise<unknown> => manager.query("show statement_timeout"),
    );
    const outside: unknown = await source.query("show statement_timeout");

    expect(inside).toEqual([{ statement_timeout: "4321ms" }]);
    expect(outside).toEqual([{ statement_timeout: "0" }]);
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
    expect(seen.map(({ rule, action }) => `${rule} ${action}`)).toContain("transaction/left-open rolled-back");
    await source.destroy();
    await bed.sql("delete from invoice");
  });

  test("destroys a DataSource whose runner was never released", async () => {
    const source = await open({ ...policyTo(bed.urls.pooled), onViolation: () => undefined }).initialize();
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

    const names = [await primary.query("show application_name"), await replica.query("show application_name")];

    expect(names).toEqual([[{ application_name: NAME }], [{ application_name: NAME }]]);
    await primary.release();
    await replica.release();
    await source.destroy();
  });

  test("runs `synchronize` on the direct lane", async () => {
    const policy: Policy = {
      ...policyTo(undefined),
      targets: { main: { pooler: { kind: "pgbouncer" }, direct: bed.urls.direct } },
    };
    const options = withPolicyOf({ open }, policy);

    const source = await options.initialize();

    expect(source.isInitialized).toBe(true);
    await source.destroy();
  });

  test("ends the pools that a failed start has left", async () => {
    const source = open(policyTo(bed.urls.pooled.replace("/app", "/nowhere")));

    await expect(source.initialize()).rejects.toThrow(/no such database/);
    const ended = await endPools(source.options);

    expect(ended).toBe(1);
    expect(await endPools(source.options)).toBe(0);
    expect(await clients()).toEqual([]);
  });
});

function withPolicyOf({ open }: Pick<Version, "open">, policy: Policy): DataSource {
  return open(policy, {});
}

/** Enforced, named, on this URL. */
function policyTo(url: string | undefined): Policy {
  return {
    mode: "enforce",
    naming: { app: "billing", user: "deploy", host: "web-1" },
    targets: {
      main: { pooler: { kind: "pgbouncer", version: "1.18" }, ...(url === undefined ? {} : { pooled: url }) },
    },
  };
}

/** PgBouncer, not TypeORM, is asked: only it knows who is still connected. */
async function clients(): Promise<string[]> {
  const rows = await bed.admin("SHOW CLIENTS");
  return rows.filter((row) => row["database"] !== "pgbouncer").map((row) => row["application_name"] ?? "");
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

import { definePolicy } from "@doorpolicy/core";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import { DataSource, EntitySchema } from "typeorm";
import { DataSource as DataSource03, EntitySchema as EntitySchema03 } from "typeorm03";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { transaction, unitOfWork, withPolicy } from "../src/index.ts";

/** A database of its own stands for the replica: what was read says where it was read. */
const REPLICA = "replica";

const policy = definePolicy({
  mode: "enforce",
  naming: { app: "billing", user: "deploy", host: "web-1" },
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" } } },
});

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, poolSize: 5, databases: [REPLICA] });
  for (const database of ["app", REPLICA]) {
    await bed.sql("create table invoice (id serial primary key, number text)", database);
    await bed.sql("alter table invoice owner to app", database);
  }
  await bed.sql("insert into invoice (number) values ('of the replica')", REPLICA);
});

afterAll(() => bed.stop());

interface Invoice {
  id: number;
  number: string;
}

const COLUMNS = {
  id: { type: "int", primary: true, generated: true },
  number: { type: "text" },
} as const;

const VERSIONS = [
  {
    title: "TypeORM 1.x",
    make: (options: object): DataSource =>
      new DataSource({
        type: "postgres",
        entities: [new EntitySchema<Invoice>({ name: "invoice", columns: COLUMNS })],
        ...options,
      }),
  },
  {
    title: "TypeORM 0.3",
    make: (options: object): DataSource =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests call what both versions have.
      new DataSource03({
        type: "postgres",
        entities: [new EntitySchema03<Invoice>({ name: "invoice", columns: COLUMNS })],
        ...options,
      }) as unknown as DataSource,
  },
];

describe.each(VERSIONS)("a replicated DataSource of $title", ({ make }) => {
  let source: DataSource;

  beforeEach(async () => {
    await bed.sql("truncate invoice");
    await bed.sql("insert into invoice (number) values ('of the primary')");
    source = await open(bed.urls.pooled, bed.urlsFor({ database: REPLICA }).pooled);
  });

  afterEach(() => source.destroy());

  test("reads from the replica outside of a transaction()", async () => {
    expect(await numbers()).toEqual(["of the replica"]);
  });

  test("reads in a transaction() what was written there, whichever came first", async () => {
    const [before, after] = await transaction(async () => [
      await numbers(),
      await source.getRepository<Invoice>("invoice").save({ number: "written" }).then(numbers),
    ]);

    expect(before).toEqual(["of the primary"]);
    expect(after).toEqual(["of the primary", "written"]);
    expect(await numbers()).toEqual(["of the replica"]);
    expect(await stored()).toEqual(["of the primary", "written"]);
  });

  test("reads in a transaction() from the primary, also with a runner for replicas", async () => {
    const found: unknown = await transaction(async () => {
      const runner = source.createQueryRunner("slave");
      try {
        return await runner.query("select current_database() as name");
      } finally {
        await runner.release();
      }
    });

    expect(found).toEqual([{ name: "app" }]);
  });

  test("finds the primary of a transaction() after it was destroyed and opened again", async () => {
    await source.destroy();
    await source.initialize();

    const found = await transaction(numbers);

    expect(found).toEqual(["of the primary"]);
  });

  test("finds the primary while another DataSource with the same options has gone", async () => {
    const second = make(source.options);
    await second.initialize();
    await source.destroy();

    const found = await transaction(() => second.getRepository<Invoice>("invoice").find());

    expect(found.map(({ number }) => number)).toEqual(["of the primary"]);
    await second.destroy();
    await source.initialize();
  });

  test("keeps in a unitOfWork() one connection to the replica and one to the primary", async () => {
    const [read, connected] = await unitOfWork(async () => {
      const first = await numbers();
      await source.getRepository<Invoice>("invoice").save({ number: "written" });
      return [[...first, ...(await numbers())], await databases()];
    });

    expect(read).toEqual(["of the replica", "of the replica"]);
    expect(connected).toEqual(["app", REPLICA]);
    expect(await stored()).toEqual(["of the primary", "written"]);
  });

  test("reads in a transaction() of a unitOfWork() on the unit's connection to the primary", async () => {
    const [read, connected] = await unitOfWork(async () => {
      await source.getRepository<Invoice>("invoice").save({ number: "written" });
      return [await transaction(numbers), await databases()];
    });

    expect(read).toEqual(["of the primary", "written"]);
    expect(connected).toEqual(["app"]);
  });

  test("has one connection in a unitOfWork() where primary and replica have the same URL", async () => {
    const alone = await open(bed.urls.pooled, `${bed.urls.pooled}?application_name=reader`);

    const connected = await unitOfWork(async () => {
      await alone.getRepository<Invoice>("invoice").save({ number: "written" });
      await alone.getRepository<Invoice>("invoice").find();
      return await databases();
    });

    expect(connected).toEqual(["app"]);
    await alone.destroy();
  });

  test("reads in a transaction() from the primary where that is one of the replicas", async () => {
    const { pooled } = bed.urls;
    const slaves = [{ url: pooled }, { url: bed.urlsFor({ database: REPLICA }).pooled }];
    const mixed = await make(
      withPolicy({ type: "postgres", replication: { master: { url: pooled }, slaves } }, policy),
    ).initialize();

    const names = new Set<unknown>();
    // TypeORM takes a replica by chance.
    for (let round = 0; round < 10; round++) names.add(await transaction(() => nameThrough(mixed)));

    expect([...names]).toEqual(["app"]);
    await mixed.destroy();
  });

  test("tells replicas by their own fields, too", async () => {
    const [primary, replica] = [bed.urls.pooled, bed.urlsFor({ database: REPLICA }).pooled].map(
      (url) => fieldsOf(url),
    );
    const fields = await make(
      withPolicy({ type: "postgres", replication: { master: primary, slaves: [replica] } }, policy),
    ).initialize();

    const [inside, outside] = [
      await transaction(() => nameThrough(fields)),
      await nameThrough(fields),
    ];

    expect([inside, outside]).toEqual(["app", REPLICA]);
    await fields.destroy();
  });

  async function open(primary: string, replica: string): Promise<DataSource> {
    return await make(
      withPolicy(
        { type: "postgres", replication: { master: { url: primary }, slaves: [{ url: replica }] } },
        policy,
      ),
    ).initialize();
  }

  async function numbers(): Promise<string[]> {
    const found = await source.getRepository<Invoice>("invoice").find({ order: { id: "ASC" } });
    return found.map(({ number }) => number);
  }
});

test("wrapping replicated options twice gives the same driver", () => {
  const options = {
    type: "postgres",
    replication: {
      master: { url: "postgres://u:secret@h/db?application_name=x" },
      slaves: [{ url: "postgres://u:secret@r/db" }],
    },
    extra: { max: 3 },
  };

  const once: { driver?: unknown } & typeof options = withPolicy(options, policy);
  const twice: { driver?: unknown } & typeof options = withPolicy(once, policy);

  expect(once.driver).toBeDefined();
  expect(twice.driver).toBe(once.driver);
});

async function nameThrough(source: DataSource): Promise<unknown> {
  const runner = source.createQueryRunner("slave");
  try {
    const rows: { name: string }[] = await runner.query("select current_database() as name");
    return rows[0]?.name;
  } finally {
    await runner.release();
  }
}

function fieldsOf(url: string): object {
  const { hostname, port, username, password, pathname } = new URL(url);
  return { host: hostname, port: Number(port), username, password, database: pathname.slice(1) };
}

async function stored(): Promise<unknown[]> {
  const rows = await bed.sql("select number from invoice order by id");
  return rows.map((row) => row["number"]);
}

/** The databases that clients of the pooler are connected to right now. */
async function databases(): Promise<string[]> {
  const rows = await bed.admin("SHOW CLIENTS");
  return rows
    .map((row) => row["database"] ?? "")
    .filter((database) => database !== "pgbouncer")
    .toSorted((one, other) => one.localeCompare(other));
}

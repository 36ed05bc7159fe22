import { definePolicy, type Violation } from "@doorpolicy/core";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import { transaction } from "@doorpolicy/pg";
import { withPolicy } from "@doorpolicy/typeorm";
import { DataSource, EntitySchema, Table, TableColumn, TableForeignKey, TableIndex } from "typeorm";
import { DataSource as DataSource03, EntitySchema as EntitySchema03 } from "typeorm03";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** A column of each kind for which TypeORM has SQL of its own. */
const EVENT = {
  name: "Event",
  tableName: "event",
  columns: {
    id: { type: "uuid", primary: true, generated: "uuid" },
    number: { type: "int", generated: "increment" },
    kind: { type: "enum", enum: ["set role", "listen"], default: "listen" },
    role: { type: "text", nullable: true, comment: "set search_path = 'x'" },
    at: { type: "timestamptz", createDate: true },
    changedAt: { type: "timestamptz", updateDate: true },
    gone: { type: "timestamptz", deleteDate: true, nullable: true },
    tags: { type: "text", array: true, default: "{}" },
    body: { type: "jsonb", nullable: true },
    version: { type: "int", version: true },
  },
  indices: [{ columns: ["role"], where: "role is not null" }],
  uniques: [{ columns: ["number"] }],
  checks: [{ expression: "number > 0" }],
} as const;

const PARENT = {
  name: "Place",
  tableName: "place",
  columns: { id: { type: "int", primary: true, generated: "increment" }, name: { type: "text" } },
  trees: [{ type: "closure-table" }],
  relations: {
    parent: { type: "many-to-one", treeParent: true, target: "Place" },
    children: { type: "one-to-many", treeChildren: true, target: "Place" },
    events: { type: "many-to-many", target: "Event", joinTable: true },
  },
} as const;

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, poolSize: 2 });
});
afterAll(() => bed.stop());

class AddsIndex1600000000001 {
  name = "AddsIndex1600000000001";
  async up(runner: Runner): Promise<void> {
    await runner.query("create table if not exists migrated (a int)");
    await runner.query("create index migrated_a on migrated (a)");
  }
  async down(runner: Runner): Promise<void> {
    await runner.query("drop table migrated");
  }
}

interface Runner {
  query(sql: string): Promise<unknown>;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both have what is used here.
const VERSIONS = {
  "TypeORM 1": { DataSource, EntitySchema },
  "TypeORM 0.3": { DataSource: DataSource03, EntitySchema: EntitySchema03 },
} as unknown as Readonly<
  Record<string, { DataSource: typeof DataSource; EntitySchema: typeof EntitySchema }>
>;

describe("nothing that an ORM sends by itself is taken for what would leak", () => {
  for (const [title, orm] of Object.entries(VERSIONS)) {
    test(`${title}: schema, migrations, and each kind of query`, { timeout: 60_000 }, async () => {
      const seen: Violation[] = [];
      const source = open(orm, seen);
      await source.initialize();

      await useSchemaTools(source);
      await useQueries(source);
      await source.runMigrations({ transaction: "all" });
      await source.undoLastMigration({ transaction: "each" });
      await source.runMigrations({ transaction: "none" });
      await source.showMigrations();
      await source.dropDatabase();
      await source.destroy();

      const alarms = seen.filter(({ rule }) => /^(?:session-state|statements)\//.test(rule));
      expect(alarms.map(({ rule, statement }) => [rule, statement])).toEqual([]);
    });
  }
});

function open(orm: (typeof VERSIONS)[string], seen: Violation[]): DataSource {
  const policy = definePolicy({
    mode: "enforce",
    targets: {
      main: { pooler: { kind: "pgbouncer", version: "1.24" }, pooled: bed.urls.pooled },
    },
    onViolation: (violation) => seen.push(violation),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both versions take them.
  const entities = [EVENT, PARENT].map((one) => new orm.EntitySchema(one as never));
  const options = {
    type: "postgres" as const,
    uuidExtension: "pgcrypto" as const,
    entities,
    migrations: [AddsIndex1600000000001],
  };
  return new orm.DataSource(withPolicy(options, policy));
}

async function useSchemaTools(source: DataSource): Promise<void> {
  await source.synchronize(true);
  await source.synchronize();
  await source.driver.createSchemaBuilder().log();
  const runner = source.createQueryRunner();
  await runner.createSchema("other", true);
  await runner.createTable(
    new Table({
      name: "other.made",
      columns: [{ name: "id", type: "int", isPrimary: true, isGenerated: true }],
    }),
  );
  await runner.addColumn("other.made", new TableColumn({ name: "role", type: "text" }));
  await runner.changeColumn(
    "other.made",
    "role",
    new TableColumn({ name: "role", type: "varchar", default: "'set role x'" }),
  );
  await runner.createIndex("other.made", new TableIndex({ columnNames: ["role"] }));
  await runner.createForeignKey(
    "other.made",
    new TableForeignKey({
      columnNames: ["id"],
      referencedTableName: "place",
      referencedColumnNames: ["id"],
      deferrable: "INITIALLY DEFERRED",
    }),
  );
  await runner.hasTable("other.made");
  await runner.hasSchema("other");
  await runner.getCurrentDatabase();
  await runner.getCurrentSchema();
  await runner.getTable("other.made");
  await runner.clearTable("other.made");
  await runner.dropTable("other.made");
  await runner.dropSchema("other");
  await runner.release();
}

async function useQueries(source: DataSource): Promise<void> {
  const events = source.getRepository("Event");
  const [first] = await events.save([{ role: "listen" }, { role: "set x = 1" }, {}]);
  const id: unknown = first?.["id"];
  await events.upsert({ id, role: "discard all" }, ["id"]);
  await events.increment({ id }, "number", 1000);
  await events.findAndCount({ order: { role: "ASC" }, skip: 1, take: 1 });
  await events.softDelete({ id });
  await events.restore({ id });
  await events.createQueryBuilder("e").where("e.role = :role", { role: "reset all" }).getMany();
  await events.exists({ where: { id } });
  await events.sum("number");
  const stream = await events.createQueryBuilder("e").stream();
  await new Promise<void>((resolve, reject) => {
    stream.on("end", () => resolve()).on("error", reject);
    stream.resume();
  });
  await source.transaction("SERIALIZABLE", async (manager) => {
    await manager.getRepository("Event").save({ role: "load" });
    await manager.transaction((inner) => inner.getRepository("Event").count());
    const locked = manager.getRepository("Event").createQueryBuilder("e");
    await locked.setLock("pessimistic_write").setOnLocked("skip_locked").getMany();
  });
  const places = source.manager.getTreeRepository("Place");
  const root = await places.save({ name: "root", events: [{ id }] });
  await places.save({ name: "leaf", parent: root });
  await places.findTrees();
  await places.findDescendants(root);
  await transaction(async () => {
    await events.save({ role: "prepare" });
    await source.transaction((manager) => manager.getRepository("Event").delete({ id }));
  });
  await events.clear().catch(() => undefined);
}

import { randomUUID } from "node:crypto";
import { definePolicy, type Mode, type Violation } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pg from "pg";
import type { MigrationDirectory, MigrationList } from "@prisma/schema-engine-wasm";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Connection,
  connectionOf,
  openSchemaEngine,
  readCatalogues,
  type SchemaEngine,
} from "./schema-engine.ts";

const HEAD = `
datasource db {
  provider = "postgresql"
}
generator client {
  provider = "prisma-client"
  output   = "client"
}
`;

/** One of each thing for which Prisma has SQL of its own. */
const FIRST = `${HEAD}
enum Role {
  SET
  RESET
  LISTEN
}
model Author {
  id      Int      @id @default(autoincrement())
  key     String   @unique @default(uuid()) @db.Uuid
  role    Role     @default(LISTEN)
  note    String?  @default("set role 'x'")
  at      DateTime @default(now())
  body    Json?
  tags    String[]
  price   Decimal  @db.Decimal(10, 2)
  posts   Post[]
  labels  Label[]
}
model Post {
  author   Author @relation(fields: [authorId], references: [id], onDelete: Cascade)
  authorId Int
  number   BigInt
  @@id([authorId, number])
  @@index([number(sort: Desc)])
}
model Label {
  id      Int      @id
  authors Author[]
}
`;

/** Types that are cast, columns that are dropped and added, an enum that is made anew. */
const SECOND = FIRST.replace("  SET\n", "  LOAD\n")
  .replace("note    String?", "text    String? @db.VarChar(40)")
  .replace("price   Decimal  @db.Decimal(10, 2)", "price   Int")
  .replace("onDelete: Cascade", "onDelete: Restrict");

const LOCKFILE = 'provider = "postgresql"\n';
const NO_FILTER = { externalTables: [], externalEnums: [] };
const inFiles = (content: string) => ({ files: [{ path: "schema.prisma", content }] });

let bed: Testbed;
let forget: () => void;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true, poolSize: 4 });
  forget = readCatalogues(pg);
});
afterAll(async () => {
  forget();
  await bed.stop();
});

/** What `prisma migrate` and `prisma db` do to a database, all on one lane. */
async function migrate(mode: Mode, lane: "pooled" | "direct"): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  const policy = definePolicy({
    mode,
    targets: {
      main: {
        pooler: { kind: "pgbouncer", version: "1.24" },
        pooled: bed.urls.pooled,
        direct: bed.urls.direct,
      },
    },
    onViolation: (violation) => violations.push(violation),
  });
  await using main = await connectionOf(new (guardPg(pg, policy, { lane }).Pool)());
  const shadow = async (): Promise<Connection> => {
    const database = `shadow_${randomUUID().replaceAll("-", "")}`;
    await bed.sql(`create database ${database} owner app`);
    const url = new URL(bed.urls.direct);
    url.pathname = `/${database}`;
    const { Pool } = guardPg(pg, policy, { lane: "direct" });
    return await connectionOf(new Pool({ connectionString: url.href }));
  };
  await walk((schema) => openSchemaEngine(schema, { main, shadow }));
  return violations;
}

async function walk(open: (schema: string) => Promise<SchemaEngine>): Promise<void> {
  const engine = await open(FIRST);
  const made: MigrationDirectory[] = [];
  const migrationsList = (): MigrationList => ({
    baseDir: "migrations",
    lockfile: { path: "migration_lock.toml", content: made.length === 0 ? null : LOCKFILE },
    shadowDbInitScript: "",
    migrationDirectories: made,
  });

  await engine.ensureConnectionValidity({
    datasource: { tag: "ConnectionString", url: "" },
  });
  await engine.version();
  for (const [name, schema] of Object.entries({ first: FIRST, second: SECOND })) {
    await engine.devDiagnostic({ migrationsList: migrationsList(), filters: NO_FILTER });
    const wanted = {
      migrationsList: migrationsList(),
      schema: inFiles(schema),
      filters: NO_FILTER,
    };
    await engine.evaluateDataLoss(wanted);
    const created = await engine.createMigration({ ...wanted, draft: false, migrationName: name });
    made.push({
      path: created.generatedMigrationName,
      migrationFile: {
        path: "migration.sql",
        content: { tag: "ok", value: created.migrationScript ?? "" },
      },
    });
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: migrationsList(),
      filters: NO_FILTER,
    });
    expect(appliedMigrationNames).toEqual([created.generatedMigrationName]);
  }
  await engine.diagnoseMigrationHistory({
    migrationsList: migrationsList(),
    optInToShadowDatabase: true,
    filters: NO_FILTER,
  });
  const pulled = await engine.introspect({
    schema: inFiles(HEAD),
    baseDirectoryPath: "/",
    force: true,
    compositeTypeDepth: -1,
    namespaces: null,
  });
  expect(pulled.schema.files[0]?.content).toContain("model Author");
  await engine.reset({ filter: NO_FILTER });
  await engine.schemaPush({ force: true, schema: inFiles(FIRST), filters: NO_FILTER });
  await engine.schemaPush({ force: true, schema: inFiles(SECOND), filters: NO_FILTER });
  await engine.reset({ filter: NO_FILTER });
  engine.free();
}

test("nothing that Prisma Migrate sends on its direct lane is held against it", async () => {
  expect(await migrate("enforce", "direct")).toEqual([]);
});

test("through the pooler only its lock would leak, and that is what is said", async () => {
  const violations = await migrate("observe", "pooled");
  const found = violations.map(({ rule, statement }) => `${rule}: ${statement}`);
  expect([...new Set(found)]).toEqual([
    "session-state/no-session-lock: SELECT pg_advisory_lock(?)",
  ]);
});

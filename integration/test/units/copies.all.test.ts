import { createRequire } from "node:module";

import { definePolicy, type Policy, type Violation } from "@doorpolicy/core";
import { afterCommit, guardPg, transaction, unitOfWork } from "@doorpolicy/pg";
import type { DataSource, EntitySchema } from "typeorm";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { install, type Installations } from "./installed.ts";
import {
  gate,
  type InvoiceEntity,
  rejection,
  type Service,
  startWorld,
  type World,
} from "./world.ts";

/** The copy that is loaded from its source. */
const source = { afterCommit, guardPg, transaction, unitOfWork };

/** What a copy of the pg package gives, whichever it is. */
type PgPackage = typeof source;

/** What a copy of the TypeORM package gives. */
interface TypeormPackage extends Pick<PgPackage, "transaction" | "unitOfWork"> {
  withPolicy<Options extends object>(options: Options, policy: Policy): Options;
}

let world: World;
let installed: Installations;
let service: Service;
let seen: Violation[];

/** Four copies: the source, an ES module, and CommonJS of each installation. */
let esm: PgPackage;
let cjs: PgPackage;
let legacy: TypeormPackage;
let typeorm: DataSource;
let pools: pg.Pool[];

beforeAll(async () => {
  [world, installed] = await Promise.all([startWorld(), install(2)]);
  const [app, old] = installed.apps;
  if (app === undefined || old === undefined) throw new Error("Two were installed.");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from the same source.
  esm = (await app.import("@doorpolicy/pg")) as PgPackage;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from the same source.
  cjs = app.require("@doorpolicy/pg") as PgPackage;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from the same source.
  legacy = old.require("@doorpolicy/typeorm") as TypeormPackage;

  seen = [];
  const policy = definePolicy(world.policy(seen));
  service = await world.open();
  // TypeORM as CommonJS has it, under the policy of the second installation.
  const require = createRequire(import.meta.url);
  const inCommonJs: {
    DataSource: typeof DataSource;
    EntitySchema: typeof EntitySchema;
  } = require("typeorm");
  typeorm = await new inCommonJs.DataSource(
    legacy.withPolicy(
      {
        type: "postgres" as const,
        driver: pg,
        entities: [
          new inCommonJs.EntitySchema<InvoiceEntity>({
            name: "Invoice",
            tableName: "invoice",
            columns: {
              id: { type: "int", primary: true, generated: "increment" },
              number: { type: "text", unique: true },
            },
          }),
        ],
      },
      policy,
    ),
  ).initialize();
  pools = [esm, cjs].map((copy) => new (copy.guardPg(pg, policy).Pool)());
});

beforeEach(() => world.empty());

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await typeorm.destroy();
  await service[Symbol.asyncDispose]();
  await world.requireNobodyConnected();
  await world[Symbol.asyncDispose]();
  await installed[Symbol.asyncDispose]();
});

/** Everybody who begins a unit: the copies of both installations, and the source. */
const BEGINNERS: readonly (readonly [
  string,
  () => Pick<PgPackage, "transaction" | "unitOfWork">,
])[] = [
  ["an ES module", () => esm],
  ["CommonJS", () => cjs],
  ["the other installation", () => legacy],
  ["the source", () => source],
];

describe("several copies of the package in one process", () => {
  test("are several copies", () => {
    const functions = BEGINNERS.map(([, copy]) => copy().transaction);

    expect(new Set(functions).size).toBe(BEGINNERS.length);
  });

  test.each(BEGINNERS)("share a transaction() that %s begins", async (_, copy) => {
    const ids = await copy().transaction(writeAll);
    expect(new Set(ids).size).toBe(1);
    expect(await world.rows()).toEqual(["typeorm", "pg", "pg", "prisma"]);

    await world.empty();
    await rejection(
      copy().transaction(async () => {
        await writeAll();
        throw new Error("thought better of it");
      }),
    );
    expect(await world.rows()).toEqual([]);
  });

  test("nest a transaction() of one copy in that of another", async () => {
    await esm.transaction(async () => {
      await pools[0]?.query("insert into audit (note) values ('kept')");
      await rejection(
        legacy.transaction(async () => {
          await typeorm.getRepository("Invoice").save({ number: "undone" });
          throw new Error("caught");
        }),
      );
      await source.transaction(() => service.prisma.audit.create({ data: { note: "kept" } }));
    });

    expect(await world.rows()).toEqual(["kept", "kept"]);
  });

  test.each(BEGINNERS)("share the settings of a unitOfWork() that %s begins", async (_, copy) => {
    const tenants = await copy().unitOfWork({ setLocal: { "app.tenant": "t1" } }, async () => [
      await typeorm.query("select current_setting('app.tenant', true) as tenant"),
      await service.prisma.$queryRaw`select current_setting('app.tenant', true) as tenant`,
      ...(await Promise.all(
        pools.map(async (pool) => {
          const { rows } = await pool.query("select current_setting('app.tenant', true) as tenant");
          return rows;
        }),
      )),
    ]);

    expect(tenants).toEqual(Array.from({ length: 4 }, () => [{ tenant: "t1" }]));
  });

  test("hold the gate of one copy's transaction() for calls of all", async () => {
    const late = gate();

    const errors = await legacy.transaction(async () => {
      await typeorm.query("insert into audit (note) values ('kept')");
      return [
        rejection(
          late.opened.then(() => pools[0]?.query("insert into audit (note) values ('late')")),
        ),
        rejection(late.opened.then(() => service.prisma.audit.create({ data: { note: "late" } }))),
        rejection(
          late.opened.then(() => typeorm.query("insert into audit (note) values ('late')")),
        ),
      ];
    });
    late.open();

    for (const error of errors) expect(await error).toHaveProperty("code", "transaction/ended");
    expect(await world.rows()).toEqual(["kept"]);
  });

  test("run afterCommit() of one copy when the transaction() of another is stored", async () => {
    const heard: string[] = [];

    await source.transaction(async () => {
      await esm.afterCommit(() => void heard.push("after"));
      await cjs.transaction(async () => pools[1]?.query("select 1"));
      heard.push("inside");
    });

    expect(heard).toEqual(["inside", "after"]);
  });
});

/** A row of each, and the ids of the transactions that they were in. */
async function writeAll(): Promise<unknown[]> {
  await typeorm.getRepository("Invoice").save({ number: "typeorm" });
  await service.prisma.audit.create({ data: { note: "prisma" } });
  for (const pool of pools) await pool.query("insert into audit (note) values ('pg')");
  return await transactionIds();
}

async function transactionIds(): Promise<unknown[]> {
  const text = "select txid_current()::text as id";
  const answers = [
    await typeorm.query(text),
    await service.prisma.$queryRawUnsafe(text),
    ...(await Promise.all(
      pools.map(async (pool) => {
        const { rows } = await pool.query<{ id: string }>(text);
        return rows;
      }),
    )),
  ];
  return answers.map((rows: { id: string }[]) => rows[0]?.id);
}

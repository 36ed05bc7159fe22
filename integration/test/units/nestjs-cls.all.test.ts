import { transaction, unitOfWork } from "@doorpolicy/pg";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClsPluginTransactional, Propagation, TransactionHost } from "@nestjs-cls/transactional";
import { TransactionalAdapterTypeOrm } from "@nestjs-cls/transactional-adapter-typeorm";
import { ClsModule } from "nestjs-cls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { codesOf, rejection, type Service, startWorld, type World } from "./world.ts";

const DATA_SOURCE = "data source";

let world: World;
let service: Service;
let host: TransactionHost<TransactionalAdapterTypeOrm>;
let close: () => Promise<void>;

beforeAll(async () => {
  world = await startWorld();
  service = await world.open();
  const app = await NestFactory.createApplicationContext(appModule(service), { logger: false });
  host = app.get(TransactionHost);
  close = () => app.close();
});

beforeEach(async () => {
  await world.empty();
  service.seen.length = 0;
});

afterEach(() => world.requireNothingOpen());

afterAll(async () => {
  await close();
  await world.requireNobodyConnected();
  await service[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

describe("@nestjs-cls/transactional over the guard", () => {
  test("stores all or nothing, with savepoints", async () => {
    await host.withTransaction(async () => {
      await save("kept");
      await rejection(
        host.withTransaction(Propagation.Nested, async () => {
          await save("undone");
          throw new Error("caught");
        }),
      );
      await host.withTransaction(Propagation.Nested, () => save("kept too"));
    });
    await rejection(
      host.withTransaction(async () => {
        await save("undone");
        throw new Error("thought better of it");
      }),
    );

    expect(await world.rows()).toEqual(["kept", "kept too"]);
    expect(service.seen).toEqual([]);
  });

  test("takes a second connection for a new transaction, as it does without", async () => {
    await rejection(
      host.withTransaction(async () => {
        await save("undone");
        await host.withTransaction(Propagation.RequiresNew, () => save("kept"));
        throw new Error("thought better of it");
      }),
    );

    expect(await world.rows()).toEqual(["kept"]);
  });

  test("no longer resolves where an error was swallowed", async () => {
    const error = await rejection(
      host.withTransaction(async () => {
        await save("undone");
        await rejection(host.tx.query("insert into audit (nothing) values (1)"));
      }),
    );

    expect(codesOf(error)).toContain("transaction/rolled-back-at-commit");
    expect(await world.rows()).toEqual([]);
  });

  test("hands no transaction on that somebody left open beside it", async () => {
    await host.withTransaction(async () => {
      const runner = service.typeorm.createQueryRunner();
      await runner.startTransaction();
      await runner.query("insert into audit (note) values ('undone')");
      await runner.release();
      await save("kept");
    });

    expect(await world.rows()).toEqual(["kept"]);
    expect(service.seen.map(({ rule }) => rule)).toEqual(["transaction/left-open"]);
  });
});

describe("@nestjs-cls/transactional in a unit", () => {
  test("joins a transaction() with savepoints, beside Prisma", async () => {
    await transaction(writeAs("kept"));
    await rejection(
      transaction(async () => {
        await writeAs("undone")();
        throw new Error("thought better of it");
      }),
    );

    expect(await world.rows()).toEqual(["kept a", "kept b", "kept"]);
  });

  test("fails instead of hanging where it wants a second connection in a transaction()", async () => {
    const error = await rejection(
      transaction(() =>
        host.withTransaction(async () => {
          await save("undone");
          await host.withTransaction(Propagation.RequiresNew, () => save("undone, too"));
        }),
      ),
    );

    expect(codesOf(error)).toContain("unit/stalled");
    expect(await world.rows()).toEqual([]);
  });

  test("uses the one connection of a unitOfWork(), with its settings", async () => {
    const rows = await unitOfWork({ setLocal: { "app.tenant": "t1" } }, async () => [
      await host.tx.query("select current_setting('app.tenant') as tenant"),
      await host.withTransaction({ isolationLevel: "SERIALIZABLE" }, () =>
        host.tx.query("select current_setting('app.tenant') as tenant"),
      ),
    ]);

    expect(rows).toEqual([[{ tenant: "t1" }], [{ tenant: "t1" }]]);
  });
});

/** A row of Prisma, and what the library stores of its blocks: all but what was caught. */
function writeAs(key: string): () => Promise<void> {
  return async () => {
    await service.prisma.audit.create({ data: { note: key } });
    await host.withTransaction(async () => {
      await save(`${key} a`);
      await host.withTransaction(Propagation.Nested, () => save(`${key} b`));
      await rejection(
        host.withTransaction(Propagation.Nested, async () => {
          await save(`${key} c`);
          throw new Error("caught");
        }),
      );
    });
  };
}

async function save(number: string): Promise<void> {
  await host.tx.getRepository("Invoice").save({ number });
}

/** As a service writes it, with the decorators called: tests are compiled without them. */
function appModule({ typeorm }: Service): new () => object {
  class DataModule {
    readonly name: string = "data";
  }
  Module({ providers: [{ provide: DATA_SOURCE, useValue: typeorm }], exports: [DATA_SOURCE] })(
    DataModule,
  );
  class AppModule {
    readonly name: string = "app";
  }
  Module({
    imports: [
      ClsModule.forRoot({
        plugins: [
          new ClsPluginTransactional({
            imports: [DataModule],
            adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: DATA_SOURCE }),
          }),
        ],
      }),
    ],
  })(AppModule);
  return AppModule;
}

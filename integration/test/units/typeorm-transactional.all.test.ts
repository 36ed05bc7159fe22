import { detached, transaction, unitOfWork } from "@doorpolicy/pg";
import {
  addTransactionalDataSource,
  initializeTransactionalContext,
  IsolationLevel,
  Propagation,
  runInTransaction,
  runOnTransactionCommit,
  runOnTransactionRollback,
  StorageDriver,
} from "typeorm-transactional";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { codesOf, eventually, rejection, type Service, startWorld, type World } from "./world.ts";

let world: World;
let service: Service;

beforeAll(async () => {
  // It patches the classes of TypeORM, which is why it has a file, and so a process, of its own.
  initializeTransactionalContext({ storageDriver: StorageDriver.AUTO });
  world = await startWorld();
  service = await world.open();
  addTransactionalDataSource(service.typeorm);
});

beforeEach(async () => {
  await world.empty();
  service.seen.length = 0;
});

afterEach(() => world.requireNothingOpen());

afterAll(async () => {
  await world.requireNobodyConnected();
  await service[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

describe("typeorm-transactional over the guard", () => {
  test("stores all or nothing, with its hooks", async () => {
    const heard: string[] = [];

    await runInTransaction(async () => {
      runOnTransactionCommit(() => void heard.push("commit"));
      await save("kept");
      await service.typeorm.query("insert into audit (note) values ('kept')");
    });
    const error = await rejection(
      runInTransaction(async () => {
        runOnTransactionRollback(() => void heard.push("rollback"));
        await save("undone");
        throw new Error("thought better of it");
      }),
    );

    expect(error).toHaveProperty("message", "thought better of it");
    expect(await world.rows()).toEqual(["kept", "kept"]);
    await eventually(() => expect(heard).toEqual(["commit", "rollback"]));
    expect(service.seen).toEqual([]);
  });

  test("nests on a second connection, as it does without", async () => {
    await runInTransaction(async () => {
      await save("kept");
      await rejection(
        runInTransaction(
          async () => {
            await save("undone");
            throw new Error("caught");
          },
          { propagation: Propagation.NESTED },
        ),
      );
      await runInTransaction(() => save("kept too"), { propagation: Propagation.REQUIRES_NEW });
    });

    expect(await world.rows()).toEqual(["kept", "kept too"]);
  });

  test("no longer resolves where an error was swallowed", async () => {
    const error = await rejection(
      runInTransaction(async () => {
        await save("undone");
        await rejection(service.typeorm.query("insert into audit (nothing) values (1)"));
      }),
    );

    expect(codesOf(error)).toContain("transaction/rolled-back-at-commit");
    expect(await world.rows()).toEqual([]);
  });

  test("hands no transaction on that somebody left open beside it", async () => {
    await runInTransaction(async () => {
      const runner = service.typeorm.createQueryRunner();
      await runner.startTransaction();
      await runner.query("insert into audit (note) values ('undone')");
      await runner.release();
      await save("kept");
    });

    expect(await world.rows()).toEqual(["kept"]);
    expect(rules()).toEqual(["transaction/left-open rolled-back"]);
  });
});

describe("typeorm-transactional in a unit", () => {
  test("joins a transaction() with a savepoint, beside Prisma", async () => {
    await transaction(writeAs("kept"));
    await rejection(
      transaction(async () => {
        await writeAs("undone")();
        throw new Error("thought better of it");
      }),
    );

    expect(await world.rows()).toEqual(["kept", "kept"]);
  });

  test("has Prisma join nothing of its own transaction, only of a transaction()", async () => {
    await rejection(
      runInTransaction(async () => {
        await save("undone");
        await service.prisma.audit.create({ data: { note: "kept" } });
        throw new Error("thought better of it");
      }),
    );

    expect(await world.rows()).toEqual(["kept"]);
  });

  test("keeps to its own transaction where a transaction() stands in it", async () => {
    await rejection(
      runInTransaction(async () => {
        await save("undone");
        await transaction(async () => {
          await save("undone, too");
          await service.prisma.audit.create({ data: { note: "kept" } });
        });
        throw new Error("thought better of it");
      }),
    );

    expect(await world.rows()).toEqual(["kept"]);
  });

  test.each([Propagation.NESTED, Propagation.REQUIRES_NEW])(
    "fails instead of hanging where %s wants a second connection in a transaction()",
    async (propagation) => {
      const error = await rejection(
        transaction(() =>
          runInTransaction(async () => {
            await save("undone");
            await runInTransaction(() => save("undone, too"), { propagation });
          }),
        ),
      );

      expect(codesOf(error)).toContain("unit/stalled");
      expect(await world.rows()).toEqual([]);
    },
  );

  test("gets the second connection with detached()", async () => {
    await rejection(
      transaction(() =>
        runInTransaction(async () => {
          await save("undone");
          await detached(() =>
            runInTransaction(() => save("kept"), { propagation: Propagation.REQUIRES_NEW }),
          );
          throw new Error("thought better of it");
        }),
      ),
    );

    expect(await world.rows()).toEqual(["kept"]);
  });

  test("uses the one connection of a unitOfWork(), with its settings", async () => {
    const tenants = await unitOfWork({ setLocal: { "app.tenant": "t1" } }, async () => [
      await service.typeorm.query("select current_setting('app.tenant') as tenant"),
      await runInTransaction(
        () => service.typeorm.query("select current_setting('app.tenant') as tenant"),
        { isolationLevel: IsolationLevel.SERIALIZABLE },
      ),
    ]);

    expect(tenants).toEqual([[{ tenant: "t1" }], [{ tenant: "t1" }]]);
  });

  test("does not lose what it leaves un-awaited in a transaction()", async () => {
    const late: { done: Promise<unknown> } = { done: Promise.resolve() };
    await transaction(async () => {
      await service.prisma.audit.create({ data: { note: "kept" } });
      late.done = runInTransaction(() => save("kept"));
    });
    await late.done;

    expect(await world.rows()).toEqual(["kept", "kept"]);
  });
});

/** A row of Prisma, and what the library stores of its blocks: all but what was caught. */
function writeAs(key: string): () => Promise<void> {
  return async () => {
    await service.prisma.audit.create({ data: { note: key } });
    await runInTransaction(() => save(key));
    await rejection(
      runInTransaction(async () => {
        await save(`${key}, caught`);
        throw new Error("caught");
      }),
    );
  };
}

async function save(number: string): Promise<void> {
  await service.invoices().save({ number });
}

function rules(): string[] {
  return service.seen.map(({ rule, action }) => `${rule} ${action}`);
}

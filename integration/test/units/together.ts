import { transaction } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { bothOrNone } from "./both-or-none.ts";
import { PRISMA_WAYS, TYPEORM_WAYS } from "./ways.ts";
import { codesOf, firstOf, rejection, rulesOf, SECOND, type Service, type World } from "./world.ts";

const [save] = TYPEORM_WAYS;
const [create] = PRISMA_WAYS;
/** Every way once, in front of one of the other ORM or behind it. */
const PAIRS = [
  ...TYPEORM_WAYS.map((way, index) =>
    index % 2 === 0 ? { first: way, second: create } : { first: create, second: way },
  ),
  ...PRISMA_WAYS.map((way, index) =>
    index % 2 === 0 ? { first: save, second: way } : { first: way, second: save },
  ),
];

/** One transaction over both ORMs. */
export function describeTogether(started: () => World): void {
  describe("one transaction() over TypeORM and Prisma", () => {
    let world: World;
    let service: Service;

    beforeAll(async () => {
      world = started();
      service = await world.open();
    });

    beforeEach(async () => {
      await world.empty();
      service.seen.length = 0;
    });

    afterEach(() => world.requireNothingOpen());

    afterAll(async () => {
      await service[Symbol.asyncDispose]();
      await world.requireNobodyConnected();
    });

    test.each(PAIRS)(
      "stores all rows or none of $first.title, then $second.title",
      ({ first, second }) => bothOrNone(world, service, first, second),
    );

    test("uses one connection for both", async () => {
      const ids = await transaction(async () => [
        firstOf(await service.typeorm.query("select txid_current()::text as id")),
        firstOf(await service.prisma.$queryRaw`select txid_current()::text as id`),
        await service.prisma.$transaction(async (inner) =>
          firstOf(await inner.$queryRaw`select txid_current()::text as id`),
        ),
        await service.typeorm.transaction(async (inner) =>
          firstOf(await inner.query("select txid_current()::text as id")),
        ),
      ]);

      expect(new Set(ids).size).toBe(1);
    });

    test("shows each ORM what the other has written", async () => {
      const found = await transaction(async () => {
        await service.invoices().save({ number: "by typeorm" });
        await service.prisma.invoice.create({ data: { number: "by prisma" } });
        return [await service.prisma.invoice.count(), await service.invoices().count()];
      });

      expect(found).toEqual([2, 2]);
    });

    test("takes both ORMs at the same time, with their blocks", async () => {
      const warnings: Error[] = [];
      const listen = (warning: Error): void => void warnings.push(warning);
      process.on("warning", listen);

      await transaction(() =>
        Promise.all(
          [...TYPEORM_WAYS, ...PRISMA_WAYS].map((way, index) => way.write(service, `k${index}`)),
        ),
      );

      const expected = [...TYPEORM_WAYS, ...PRISMA_WAYS].flatMap((way, index) =>
        way.rows(`k${index}`),
      );
      expect((await world.rows()).toSorted()).toEqual(expected.toSorted());
      process.off("warning", listen);
      expect(warnings).toEqual([]);
    });

    test("keeps what stands around an inner block that failed and was caught", async () => {
      await transaction(async () => {
        await service.prisma.invoice.create({ data: { number: "before" } });
        await rejection(
          service.typeorm.transaction(async (manager) => {
            await manager.getRepository("Invoice").save({ number: "undone by typeorm" });
            throw new Error("caught");
          }),
        );
        await rejection(
          service.prisma.$transaction(async (inner) => {
            await inner.invoice.create({ data: { number: "undone by prisma" } });
            throw new Error("caught");
          }),
        );
        await rejection(
          service.prisma.$transaction([
            service.prisma.invoice.create({ data: { number: "undone by a batch" } }),
            service.prisma.invoice.create({ data: { number: "before" } }),
          ]),
        );
        await rejection(
          service.invoices().save({ number: "before", lines: [{ text: "undone by a cascade" }] }),
        );
        await service.invoices().save({ number: "after" });
      });

      expect(await world.rows()).toEqual(["after", "before"]);
    });

    test("keeps what stands around a QueryRunner that rolled back", async () => {
      await transaction(async () => {
        await service.prisma.audit.create({ data: { note: "kept" } });
        const runner = service.typeorm.createQueryRunner();
        await runner.startTransaction();
        await runner.query("insert into audit (note) values ('undone')");
        await runner.rollbackTransaction();
        await runner.query("insert into audit (note) values ('kept too')");
        await runner.release();
      });

      expect(await world.rows()).toEqual(["kept", "kept too"]);
    });

    test("rolls back the block of a QueryRunner that was released in it, and says so", async () => {
      await transaction(async () => {
        await service.prisma.audit.create({ data: { note: "kept" } });
        const runner = service.typeorm.createQueryRunner();
        await runner.startTransaction();
        await runner.query("insert into audit (note) values ('undone')");
        await runner.release();
      });

      expect(await world.rows()).toEqual(["kept"]);
      expect(rulesOf(service)).toContain("transaction/left-open rolled-back");
    });

    test.each([
      {
        title: "Prisma",
        swallow: () => rejection(service.prisma.invoice.create({ data: { number: "twice" } })),
      },
      {
        title: "TypeORM",
        swallow: () =>
          rejection(service.typeorm.query("insert into invoice (number) values ('twice')")),
      },
    ])("does not resolve where an error of $title was swallowed", async ({ swallow }) => {
      const error = await rejection(
        transaction(async () => {
          await service.invoices().save({ number: "twice" });
          await swallow();
        }),
      );

      expect(error).toHaveProperty("code", "transaction/rolled-back-at-commit");
      expect(await world.rows()).toEqual([]);
    });

    test.each([
      {
        title: "a $transaction",
        block: () =>
          service.prisma.$transaction(async (inner) => {
            await inner.invoice.create({ data: { number: "undone" } });
            await rejection(inner.invoice.create({ data: { number: "kept" } }));
          }),
      },
      {
        title: "a dataSource.transaction",
        block: () =>
          service.typeorm.transaction(async (manager) => {
            await manager.getRepository("Invoice").save({ number: "undone" });
            await rejection(manager.query("insert into invoice (number) values ('kept')"));
          }),
      },
    ])("fails $title alone where an error was swallowed in it", async ({ block }) => {
      const error = await transaction(async () => {
        await service.invoices().save({ number: "kept" });
        return await rejection(block());
      });

      expect(codesOf(error)).toContain("transaction/rolled-back-at-commit");
      expect(await world.rows()).toEqual(["kept"]);
    });

    test("goes on after a swallowed error with a savepoint for each statement", async () => {
      await transaction({ autosave: "statement" }, async () => {
        await service.invoices().save({ number: "kept" });
        await rejection(service.prisma.invoice.create({ data: { number: "kept" } }));
        await rejection(service.typeorm.query("insert into invoice (number) values ('kept')"));
        await service.prisma.audit.create({ data: { note: "kept" } });
      });

      expect(await world.rows()).toEqual(["kept", "kept"]);
    });

    test("gives inner blocks the level that it has, and refuses a stronger one", async () => {
      const levels = await transaction({ isolation: "serializable" }, async () => [
        await service.typeorm.transaction("SERIALIZABLE", async (inner) =>
          firstOf(await inner.query("select current_setting('transaction_isolation') as id")),
        ),
        await service.prisma.$transaction(
          async (inner) =>
            firstOf(await inner.$queryRaw`select current_setting('transaction_isolation') as id`),
          { isolationLevel: "RepeatableRead" },
        ),
      ]);
      const errors = await transaction(async () => {
        await service.invoices().save({ number: "kept" });
        return [
          await rejection(
            service.typeorm.transaction("SERIALIZABLE", () => save.write(service, "a")),
          ),
          await rejection(
            service.prisma.$transaction(() => create.write(service, "b"), {
              isolationLevel: "Serializable",
            }),
          ),
        ];
      });

      expect(levels).toEqual(["serializable", "serializable"]);
      for (const error of errors)
        expect(codesOf(error)).toContain("transaction/isolation-too-strong");
      expect(await world.rows()).toEqual(["kept"]);
    });

    test("refuses a Prisma client of another target, unless told otherwise", async () => {
      await using second = await world.open({ prismaTarget: SECOND });
      const write = (note: string) => async (): Promise<void> => {
        await second.invoices().save({ number: note });
        await second.prisma.audit.create({ data: { note } });
      };

      const error = await rejection(transaction(write("refused")));
      await transaction({ otherTargets: "independent" }, write("independent"));

      expect(codesOf(error)).toContain("transaction/second-target");
      expect(await world.rows()).toEqual(["independent"]);
      const rows = await world.bed.sql("select note from audit", SECOND);
      expect(rows).toEqual([{ note: "independent" }]);
    });
  });
}

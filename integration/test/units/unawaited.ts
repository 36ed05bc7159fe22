import { transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { firstOf, rejection, type Service, type World } from "./world.ts";

/** What is not awaited inside of its transaction. */
export function describeUnawaited(started: () => World): void {
  describe("what is not awaited in a transaction()", () => {
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

    describe("work that nobody awaits", () => {
      test("of a cascade save is stored whole or not at all, wherever it was when the function returned", async () => {
        const outcomes = new Set<string>();
        for (let round = 0; round < 24; round++) {
          await world.empty();
          const save = { done: Promise.resolve<unknown>(undefined) };
          await Promise.allSettled([
            transaction(async () => {
              await service.prisma.audit.create({ data: { note: "audit" } });
              const lines = Array.from({ length: 5 }, (_, index) => ({ text: `line ${index}` }));
              save.done = service.invoices().save({ number: "invoice", lines });
              save.done.catch(() => undefined);
              await turns(round);
            }),
          ]);
          const [saved] = await Promise.allSettled([save.done]);

          outcomes.add(`${saved.status}: ${(await world.rows()).join(", ")}`);
        }

        const whole = "fulfilled: invoice, line 0, line 1, line 2, line 3, line 4, audit";
        expect([whole, "rejected: audit"]).toEqual(expect.arrayContaining([...outcomes]));
      });

      test("and never ends takes the transaction with it", async () => {
        let finish: (() => void) | undefined;
        const error = await rejection(
          transaction({ label: "POST /invoices" }, async () => {
            await service.prisma.audit.create({ data: { note: "undone" } });
            service.typeorm
              .transaction(async (manager) => {
                await manager.query("insert into audit (note) values ('undone')");
                await new Promise<void>((resolve) => {
                  finish = resolve;
                });
              })
              .catch(() => undefined);
          }),
        );
        finish?.();

        expect(error).toHaveProperty("code", "unit/unawaited-work");
        expect(error).toHaveProperty("message", expect.stringContaining("POST /invoices"));
        expect(await world.rows()).toEqual([]);
      });
    });

    describe("a function that returns what it has not awaited", () => {
      test.each([
        ["Prisma's lazy promise", () => service.prisma.audit.create({ data: { note: "kept" } })],
        [
          "a promise of TypeORM's query builder",
          () =>
            service.typeorm
              .createQueryBuilder()
              .insert()
              .into("audit")
              .values({ note: "kept" })
              .execute(),
        ],
        [
          "Prisma's batch",
          () =>
            service.prisma.$transaction([service.prisma.audit.create({ data: { note: "kept" } })]),
        ],
        [
          "a raw statement of Prisma",
          () => service.prisma.$executeRaw`insert into audit (note) values ('kept')`,
        ],
      ] as [string, () => PromiseLike<unknown>][])("runs %s inside", async (_, write) => {
        const error = await rejection(
          transaction(async () => {
            await transaction(() => write());
            throw new Error("undone");
          }),
        );
        expect(error).toHaveProperty("message", "undone");
        expect(await world.rows()).toEqual([]);

        await transaction(() => write());
        expect(await world.rows()).toEqual(["kept"]);
      });

      test("has Prisma's lazy promise run with the unit's settings", async () => {
        const found = await unitOfWork(
          { setLocal: { "app.tenant": "t1" } },
          () => service.prisma.$queryRaw`select current_setting('app.tenant', true) as id`,
        );

        expect(firstOf(found)).toBe("t1");
      });

      test("may return a query builder that nobody executes: nothing is sent", async () => {
        const builder = await transaction(() =>
          service.invoices().createQueryBuilder().insert().values({ number: "never" }),
        );

        expect(builder.getQuery()).toContain("INSERT INTO");
        expect(await world.rows()).toEqual([]);
      });
    });
  });
}

/** Lets others go on for a while: promises first, then the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await (turn < 12 ? undefined : new Promise((resolve) => setImmediate(resolve)));
  }
}

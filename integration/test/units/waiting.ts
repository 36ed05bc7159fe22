import { transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { codesOf, rejection, type Service, type World } from "./world.ts";

/** Calls of one ORM that wait for those of the other. */
export function describeWaiting(started: () => World): void {
  describe("calls that wait for each other", () => {
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

    describe.each([
      ["transaction()", transaction],
      ["unitOfWork()", unitOfWork],
    ])("a stream of TypeORM in a %s", (_, unit) => {
      test("is read to its end beside Prisma's statements that wait for it", async () => {
        await fill();

        const [read, counted] = await unit(() =>
          Promise.all([readAll(), service.prisma.audit.count()]),
        );

        expect([read, counted]).toEqual([500, 500]);
      });

      test("fails a statement in its own loop instead of hanging, and can be read on", async () => {
        await fill();

        const [read, error] = await unit(async () => {
          let failed: unknown;
          const rows = await readAll(async () => {
            failed ??= await rejection(service.prisma.audit.count());
          });
          return [rows, failed];
        });

        expect(codesOf(error)).toContain("unit/stalled");
        expect(read).toBe(500);
      });

      test("may be left before its end", async () => {
        await fill();

        const counted = await unit(async () => {
          const stream = await service.typeorm
            .createQueryBuilder()
            .select()
            .from("audit", "audit")
            .stream();
          for await (const row of stream) if (row !== undefined) break;
          return await service.prisma.audit.count();
        });

        expect(counted).toBe(500);
      });
    });

    describe("a block of one ORM that waits for the other's in a transaction()", () => {
      test("runs when that has ended, however long its statements took", async () => {
        await transaction(() =>
          Promise.all([
            service.typeorm.transaction(async (manager) => {
              await manager.query("select pg_sleep(0.6)");
              await note(manager);
            }),
            service.prisma.$transaction((inner) => inner.audit.create({ data: { note: "kept" } })),
          ]),
        );

        expect(await world.rows()).toEqual(["kept", "kept"]);
        expect(service.seen).toEqual([]);
      });

      test("and that Prisma gives up, leaves nothing open behind", async () => {
        await transaction(async () => {
          await service.prisma.audit.create({ data: { note: "kept" } });
          const error = await service.typeorm.transaction(async (manager) => {
            const gaveUp = rejection(
              service.prisma.$transaction(
                (inner) => inner.audit.create({ data: { note: "undone" } }),
                {
                  maxWait: 100,
                },
              ),
            );
            for (let statement = 0; statement < 3; statement++)
              await manager.query("select pg_sleep(0.05)");
            return await gaveUp;
          });
          expect(error).toHaveProperty("code", "P2028");
          await service.prisma.$transaction((inner) =>
            inner.audit.create({ data: { note: "kept" } }),
          );
        });

        expect(await world.rows()).toEqual(["kept", "kept"]);
      });

      test("is undone alone where Prisma's own time-out ends it", async () => {
        await transaction(async () => {
          await service.prisma.audit.create({ data: { note: "kept" } });
          const error = await rejection(
            service.prisma.$transaction(
              async (inner) => {
                await inner.audit.create({ data: { note: "undone" } });
                await inner.$queryRaw`select pg_sleep(0.2)::text`;
                await inner.audit.create({ data: { note: "undone" } });
              },
              { timeout: 100 },
            ),
          );
          expect(error).toHaveProperty("code", "P2028");
          await note(service.typeorm);
        });

        expect(await world.rows()).toEqual(["kept", "kept"]);
      });

      test("takes the transaction() with it where it never ends", async () => {
        const error = await rejection(
          transaction(async () => {
            await service.prisma.audit.create({ data: { note: "undone" } });
            await new Promise<void>((begun) => {
              service.prisma
                .$transaction(async (inner) => {
                  await inner.audit.create({ data: { note: "undone" } });
                  begun();
                  await new Promise<never>(() => undefined);
                })
                .catch(() => undefined);
            });
          }),
        );

        expect(error).toHaveProperty("code", "unit/unawaited-work");
        expect(await world.rows()).toEqual([]);
      });
    });

    async function fill(): Promise<void> {
      await service.typeorm.query(
        "insert into audit (note) select i::text from generate_series(1, 500) i",
      );
    }

    /** How many rows a stream of a runner gave. */
    async function readAll(each: () => Promise<void> = () => Promise.resolve()): Promise<number> {
      const runner = service.typeorm.createQueryRunner();
      try {
        let rows = 0;
        for await (const row of await runner.stream("select note from audit")) {
          if (row !== undefined) rows += 1;
          await each();
        }
        return rows;
      } finally {
        await runner.release();
      }
    }
  });
}

async function note(manager: { query(text: string): Promise<unknown> }): Promise<void> {
  await manager.query("insert into audit (note) values ('kept')");
}

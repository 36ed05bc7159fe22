import { explainError } from "@doorpolicy/core";
import { transaction, unitOfWork } from "@doorpolicy/pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import {
  codesOf,
  eventually,
  gate,
  rejection,
  rulesOf,
  type Service,
  type TypeormVersion,
  type World,
} from "./world.ts";

/** What services call, in both ORMs. */
const CALLS: readonly (readonly [
  title: string,
  call: (service: Service) => PromiseLike<unknown>,
])[] = [
  ["repository.save", ({ invoices }) => invoices().save({ number: "late" })],
  [
    "repository.save with a cascade",
    ({ invoices }) => invoices().save({ number: "late", lines: [{ text: "late" }] }),
  ],
  ["repository.find", ({ invoices }) => invoices().find()],
  ["dataSource.query", ({ typeorm }) => typeorm.query("insert into audit (note) values ('late')")],
  [
    "dataSource.transaction",
    ({ typeorm }) =>
      typeorm.transaction((inner) => inner.query("insert into audit (note) values ('late')")),
  ],
  ["create", ({ prisma }) => prisma.audit.create({ data: { note: "late" } })],
  ["findUnique", ({ prisma }) => prisma.audit.findUnique({ where: { id: 1 } })],
  ["$queryRaw", ({ prisma }) => prisma.$queryRaw`insert into audit (note) values ('late')`],
  [
    "$transaction",
    ({ prisma }) => prisma.$transaction((inner) => inner.audit.create({ data: { note: "late" } })),
  ],
  [
    "$transaction of several",
    ({ prisma }) => prisma.$transaction([prisma.audit.create({ data: { note: "late" } })]),
  ],
];

/** The tests of one version of TypeORM, beside Prisma. */
export function describeErrors(started: () => World, typeorm: TypeormVersion): void {
  describe(`an error of the policy, through Prisma and ${typeorm}`, () => {
    let world: World;
    let service: Service;

    beforeAll(async () => {
      world = started();
      service = await world.open({
        typeorm,
        policy: { connections: { heldIdleWarnMs: 100, heldIdleReclaimMs: 200 } },
      });
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

    test("says of every late call that its transaction() has ended", async () => {
      const late = gate();
      const errors = await transaction(async () => {
        await service.prisma.audit.create({ data: { note: "kept" } });
        return CALLS.map(([, call]) => rejection(late.opened.then(() => call(service))));
      });

      late.open();

      for (const [index, [title]] of CALLS.entries())
        expectMeaning(title, await errors[index], "transaction/ended", "had ended");
      expect(await world.rows()).toEqual(["kept"]);
      expect(rulesOf(service)).toEqual(["transaction/after-end refused"]);
    });

    test("says of a runner and of a Prisma transaction that are used afterwards that theirs has ended", async () => {
      const late = gate();
      const errors: Promise<unknown>[] = [];

      await rejection(
        transaction(async () => {
          const runner = service.typeorm.createQueryRunner();
          await runner.connect();
          errors.push(
            rejection(
              late.opened.then(() => runner.query("insert into audit (note) values ('late')")),
            ),
            rejection(
              service.prisma.$transaction(async (inner) => {
                await inner.audit.create({ data: { note: "undone" } });
                await late.opened;
                await inner.audit.create({ data: { note: "late" } });
              }),
            ),
          );
          await runner.query("select 1").catch(() => undefined);
          throw new Error("thought better of it");
        }),
      );
      late.open();

      const [ofRunner, ofPrisma] = await Promise.all(errors);
      expectMeaning("runner", ofRunner, "transaction/ended", "had ended");
      expectMeaning("prisma", ofPrisma, "transaction/ended", "had ended");
      expect(await world.rows()).toEqual([]);
    });

    test("says of a call that waits for its own unit which call has its connection", async () => {
      const errors = await unitOfWork({ label: "GET /invoices" }, () =>
        service.typeorm.transaction(async (manager) => {
          await manager.query("select 1");
          return await Promise.all(CALLS.map(([, call]) => rejection(call(service))));
        }),
      );

      for (const [index, [title]] of CALLS.entries())
        expectMeaning(title, errors[index], "unit/stalled", "GET /invoices");
      expect(await world.rows()).toEqual([]);
    });

    test("says of a call that waits for Prisma's own transaction which call has the connection", async () => {
      const errors = await unitOfWork({ label: "GET /invoices" }, () =>
        service.prisma.$transaction(async (inner) => {
          await inner.audit.count();
          return await Promise.all([
            rejection(service.invoices().find()),
            rejection(service.prisma.audit.count()),
          ]);
        }),
      );

      for (const error of errors) expectMeaning("a call", error, "unit/stalled", "GET /invoices");
    });

    test("says what has not been awaited, to the transaction() and to what ran on", async () => {
      const late = gate();
      const inside: Promise<unknown>[] = [];
      const error = await rejection(
        transaction({ label: "POST /invoices" }, async () => {
          await service.prisma.audit.create({ data: { note: "undone" } });
          inside.push(
            rejection(
              service.typeorm.transaction(async (manager) => {
                await manager.query("insert into audit (note) values ('undone')");
                await late.opened;
                await manager.query("insert into audit (note) values ('late')");
              }),
            ),
          );
        }),
      );
      late.open();

      expectMeaning("transaction()", error, "unit/unawaited-work", "POST /invoices");
      expectMeaning("the block", await inside[0], "transaction/ended", "had ended");
      expect(await world.rows()).toEqual([]);
    });

    test("says that a connection was taken back from a runner that did nothing", async () => {
      const runner = service.typeorm.createQueryRunner();
      await runner.query("select 1");
      await eventually(() => expect(rulesOf(service)).toContain("connections/held-idle closed"));

      const error = await rejection(runner.query("insert into audit (note) values ('late')"));
      await runner.release();

      expectMeaning("runner", error, "connection/reclaimed", "was taken back");
      expect(await world.rows()).toEqual([]);
    });
  });
}

/** The code is found along what the ORM made of it, the words are kept, and it explains itself. */
function expectMeaning(title: string, error: unknown, code: string, words: string): void {
  expect({ title, codes: codesOf(error), error }).toEqual({
    title,
    codes: expect.arrayContaining([code]),
    error: expect.objectContaining({ message: expect.stringContaining(words) }),
  });
  expect(explainError(error)?.kind).toBe(`policy.${code}`);
}

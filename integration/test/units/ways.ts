import type { Service } from "./world.ts";

/** One way to write the row `key`, and lines of it where the way has several statements. */
export interface Way {
  readonly title: string;
  write(service: Service, key: string): Promise<unknown>;
  /** What is stored then. */
  rows(key: string): string[];
}

const one = (key: string): string[] => [key];
const withLines = (key: string): string[] => [key, `${key}.1`, `${key}.2`];
const twice = (key: string): string[] => [`${key}a`, `${key}b`];
const lines = (key: string) => [{ text: `${key}.1` }, { text: `${key}.2` }];

/** Writing with TypeORM. */
export const TYPEORM_WAYS: readonly [Way, ...Way[]] = [
  {
    title: "repository.save",
    write: ({ invoices }, number) => invoices().save({ number }),
    rows: one,
  },
  {
    title: "repository.save with a cascade",
    write: ({ invoices }, number) => invoices().save({ number, lines: lines(number) }),
    rows: withLines,
  },
  {
    title: "a query builder",
    write: ({ invoices }, number) =>
      invoices().createQueryBuilder().insert().values({ number }).execute(),
    rows: one,
  },
  {
    title: "dataSource.transaction",
    write: ({ typeorm }, number) =>
      typeorm.transaction((manager) => manager.getRepository("Invoice").save({ number })),
    rows: one,
  },
  {
    title: "dataSource.transaction with its level",
    write: ({ typeorm }, number) =>
      typeorm.transaction("READ COMMITTED", (manager) =>
        manager.getRepository("Invoice").save({ number }),
      ),
    rows: one,
  },
  {
    title: "manager.transaction in dataSource.transaction",
    write: ({ typeorm }, key) =>
      typeorm.transaction(async (outer) => {
        await outer.getRepository("Invoice").save({ number: `${key}a` });
        await outer.transaction((inner) =>
          inner.getRepository("Invoice").save({ number: `${key}b` }),
        );
      }),
    rows: twice,
  },
  {
    title: "a query runner",
    async write({ typeorm }, number) {
      const runner = typeorm.createQueryRunner();
      await runner.startTransaction();
      await runner.manager.getRepository("Invoice").save({ number });
      await runner.commitTransaction();
      await runner.release();
    },
    rows: one,
  },
];

/** Writing with Prisma. */
export const PRISMA_WAYS: readonly [Way, ...Way[]] = [
  {
    title: "create",
    write: ({ prisma }, number) => prisma.invoice.create({ data: { number } }),
    rows: one,
  },
  {
    title: "a nested create",
    write: ({ prisma }, number) =>
      prisma.invoice.create({ data: { number, lines: { create: lines(number) } } }),
    rows: withLines,
  },
  {
    title: "upsert",
    write: ({ prisma }, number) =>
      prisma.invoice.upsert({ where: { number }, create: { number }, update: {} }),
    rows: one,
  },
  {
    title: "an interactive $transaction",
    write: ({ prisma }, number) =>
      prisma.$transaction((inner) => inner.invoice.create({ data: { number } })),
    rows: one,
  },
  {
    title: "an interactive $transaction with its level",
    write: ({ prisma }, number) =>
      prisma.$transaction((inner) => inner.invoice.create({ data: { number } }), {
        isolationLevel: "ReadCommitted",
      }),
    rows: one,
  },
  {
    title: "$transaction of several",
    write: ({ prisma }, key) =>
      prisma.$transaction([
        prisma.invoice.create({ data: { number: `${key}a` } }),
        prisma.invoice.create({ data: { number: `${key}b` } }),
      ]),
    rows: twice,
  },
  {
    title: "$transaction in $transaction",
    write: ({ prisma }, key) =>
      prisma.$transaction(async (outer) => {
        await outer.invoice.create({ data: { number: `${key}a` } });
        await outer.$transaction((inner) => inner.invoice.create({ data: { number: `${key}b` } }));
      }),
    rows: twice,
  },
];

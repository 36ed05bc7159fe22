import type { SqlDriverAdapterFactory as RuntimeFactory } from "@prisma/client/runtime/client";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaPg as PrismaPg6 } from "adapter-pg-6";
import { describe, expectTypeOf, test } from "vitest";

import { PrismaClient, type Prisma } from "../../../integration/generated/client.ts";
import {
  type PrismaPgConstructor,
  type SqlDriverAdapterFactory,
  units,
  withPolicy,
} from "../src/index.ts";
import { policyOf } from "./policies.ts";

const url = "postgresql://u@h/db";

describe("the types of withPolicy", () => {
  test("fit new PrismaClient() of 7.10", () => {
    const options = withPolicy(
      { url, errorFormat: "minimal", transactionOptions: { isolationLevel: "Serializable" } },
      policyOf(),
    );

    expectTypeOf(options).toExtend<Prisma.PrismaClientOptions>();
    expectTypeOf(new PrismaClient(options)).toHaveProperty("invoice");
    expectTypeOf(new PrismaClient(withPolicy({}, policyOf()))).toHaveProperty("audit");
  });

  test("keep literals, so that $on and omit keep their types", () => {
    const prisma = new PrismaClient(
      withPolicy(
        { url, log: [{ emit: "event", level: "query" }], omit: { invoice: { total: true } } },
        policyOf(),
      ),
    );

    prisma.$on("query", () => undefined);
    // @ts-expect-error -- only "query" is emitted.
    prisma.$on("info", () => undefined);
    const first = () => prisma.invoice.findFirstOrThrow({ where: { id: 1 } });
    expectTypeOf(first).returns.resolves.toHaveProperty("number");
    expectTypeOf(first).returns.resolves.not.toHaveProperty("total");
  });

  test("keep what they do not know", () => {
    const options = withPolicy({ url, comments: [], queryPlanCacheMaxSize: 5 }, policyOf());

    expectTypeOf(options.queryPlanCacheMaxSize).toEqualTypeOf<number>();
    expectTypeOf(options).not.toHaveProperty("url");
  });

  test("take PrismaPg of 6.19 and 7.10, as class and as adapter", () => {
    expectTypeOf(PrismaPg).toExtend<PrismaPgConstructor>();
    expectTypeOf(PrismaPg6).toExtend<PrismaPgConstructor>();
    expectTypeOf<PrismaPg>().toExtend<SqlDriverAdapterFactory>();
    expectTypeOf<PrismaPg6>().toExtend<SqlDriverAdapterFactory>();
    expectTypeOf<SqlDriverAdapterFactory>().toExtend<RuntimeFactory>();
  });
});

describe("the types of units", () => {
  const options = withPolicy({ url, omit: { invoice: { total: true } } }, policyOf());
  const plain = new PrismaClient(options);
  const extended = new PrismaClient(options).$extends(units);

  test("leave models, their arguments and their results as they are", () => {
    const lookups = {
      before: () => plain.invoice.findUniqueOrThrow({ where: { id: 1 }, include: { lines: true } }),
      after: () =>
        extended.invoice.findUniqueOrThrow({ where: { id: 1 }, include: { lines: true } }),
      // @ts-expect-error -- an invoice has no such field.
      wrong: () => extended.invoice.findUnique({ where: { nothing: 1 } }),
    };

    expectTypeOf<Awaited<ReturnType<typeof lookups.after>>>().toEqualTypeOf<
      Awaited<ReturnType<typeof lookups.before>>
    >();
    expectTypeOf(lookups.after).returns.resolves.not.toHaveProperty("total");
    expectTypeOf(lookups.wrong).toBeFunction();
  });

  test("leave transactions, raw SQL and further extensions as they are", () => {
    const calls = {
      named: () => extended.$extends({ client: { $name: () => "billing" } }),
      lines: () => extended.$transaction((tx) => tx.invoiceLine.findMany()),
      both: () => extended.$transaction([extended.audit.count(), extended.invoice.findMany()]),
      raw: () => extended.$queryRaw<[1]>`select 1`,
    };

    expectTypeOf(calls.named).returns.toHaveProperty("$name");
    expectTypeOf(calls.named).returns.toHaveProperty("invoice");
    expectTypeOf(calls.lines).returns.resolves.items.toHaveProperty("text");
    expectTypeOf(calls.both).returns.resolves.toHaveProperty(0).toEqualTypeOf<number>();
    expectTypeOf(calls.raw).returns.resolves.toEqualTypeOf<[1]>();
  });
});

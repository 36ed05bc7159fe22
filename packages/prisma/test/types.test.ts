import type { SqlDriverAdapterFactory as RuntimeFactory } from "@prisma/client/runtime/client";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaPg as PrismaPg6 } from "adapter-pg-6";
import { describe, expectTypeOf, test } from "vitest";

import { PrismaClient, type Prisma } from "../../../integration/generated/client.ts";
import {
  type PrismaPgConstructor,
  type SqlDriverAdapterFactory,
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

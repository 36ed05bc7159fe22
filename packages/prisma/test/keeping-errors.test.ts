import { definePolicy, explainError, type PolicyErrorCode } from "@doorpolicy/core";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";

import { PrismaClient } from "../../../integration/generated/client.ts";
import { transaction, units, withPolicy } from "../src/index.ts";

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true });
}, 60_000);
afterAll(() => bed.stop());

function client(): PrismaClient {
  const policy = definePolicy({
    mode: "enforce",
    naming: { app: "billing" },
    onViolation: () => undefined,
  });
  const prisma = new PrismaClient(withPolicy({ url: bed.urls.pooled }, policy));
  prisma.$extends(units);
  return prisma;
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It resolved.");
}

test.each<readonly [string, PolicyErrorCode, (prisma: PrismaClient) => Promise<unknown>]>([
  [
    "a raw statement",
    "transaction/no-raw-control",
    (prisma) => transaction(() => prisma.$executeRawUnsafe("commit")),
  ],
  [
    "a transaction of Prisma's own",
    "transaction/isolation-too-strong",
    (prisma) =>
      transaction(() =>
        prisma.$transaction((tx) => tx.$queryRawUnsafe("select 1"), {
          isolationLevel: "Serializable",
        }),
      ),
  ],
  [
    "the COMMIT of one",
    "transaction/rolled-back-at-commit",
    (prisma) =>
      prisma.$transaction((tx) => tx.$queryRawUnsafe("select 1 / 0").catch(() => undefined)),
  ],
])("an error of ours is found in what Prisma throws from %s", async (_what, code, run) => {
  const prisma = client();

  const error = await rejection(run(prisma));

  expect(explainError(error)?.kind).toBe(`policy.${code}`);
  await prisma.$disconnect();
});

import { units, withPolicy } from "@doorpolicy/prisma";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../../../integration/generated/client.ts";
import { POOL_SIZE } from "../servers/servers.ts";
import { benchPolicy } from "./guarded.ts";
import type { OrmClient } from "./orm.ts";

/** Prisma 7 on its pg adapter, with our policy or as it comes with a pool of the same size. */
export async function openPrisma(url: string, guarded: boolean): Promise<OrmClient> {
  const connection = { connectionString: url };
  const prisma = guarded
    ? new PrismaClient(withPolicy({ connection }, benchPolicy()))
    : new PrismaClient({ adapter: new PrismaPg({ ...connection, max: POOL_SIZE }) });
  // It changes the client in place; what `$extends` gives back has another type only.
  if (guarded) prisma.$extends(units);
  return {
    find: (number) => prisma.invoice.findUnique({ where: { number } }),
    findInTransaction: (number) =>
      prisma.$transaction((transaction) => transaction.invoice.findUnique({ where: { number } })),
    [Symbol.asyncDispose]: () => prisma.$disconnect(),
  };
}

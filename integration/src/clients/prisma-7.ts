import { units, withPolicy } from "@doorpolicy/prisma";
import { PrismaPg } from "@prisma/adapter-pg";
import { type Prisma, PrismaClient } from "../../generated/client.ts";
import type {
  Block,
  BlockOptions,
  ClientUnderTest,
  Invoice,
  LeakedBlock,
  OpenClient,
  OpenOptions,
  Row,
  Statements,
} from "../client.ts";
import { pinnedVersion } from "./versions.ts";

type Transaction = Prisma.TransactionClient;

/** Prisma 7 on its pg adapter. It hands no connection to the application. */
export const prisma7: ClientUnderTest = {
  id: "prisma-7",
  title: "Prisma 7",
  can: new Set(),
  version: pinnedVersion("@prisma/client"),
  open: (options) => Promise.resolve(openPrisma(options)),
};

function openPrisma({ url, own, guarding }: OpenOptions): OpenClient {
  const connection = {
    connectionString: url,
    ...(own.applicationName === undefined ? {} : { application_name: own.applicationName }),
    ...(own.poolMax === undefined ? {} : { max: own.poolMax }),
    ...(own.acquireTimeoutMs === undefined
      ? {}
      : { connectionTimeoutMillis: own.acquireTimeoutMs }),
    ...own.startup,
  };
  const prisma = guarding.guarded
    ? new PrismaClient(withPolicy({ connection }, guarding.policy, guarding.choice))
    : new PrismaClient({ adapter: new PrismaPg(connection) });
  // It changes the client in place; what `$extends` gives back has another type only.
  if (guarding.guarded) prisma.$extends(units);

  const forgotten = new AbortController();
  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    // The forgetful owners of leaked blocks go away with their process.
    forgotten.abort(new Error("the process of the leaked block ends"));
    await prisma.$disconnect();
  }

  return {
    ...statementsOn(prisma),
    violations: guarding.guarded ? guarding.violations : [],
    block<Result>(run: (block: Block) => Promise<Result>, { isolation }: BlockOptions = {}) {
      const inside = (transaction: Transaction): Promise<Result> => run(blockOn(transaction));
      if (isolation === undefined) return prisma.$transaction(inside);
      const isolationLevel = isolation === "serializable" ? "Serializable" : "RepeatableRead";
      return prisma.$transaction(inside, { isolationLevel });
    },
    leakBlock(number): Promise<LeakedBlock> {
      return new Promise((resolve, reject) => {
        prisma
          .$transaction(async (transaction) => {
            await transaction.invoice.create({ data: { number } });
            resolve({ query: (sql) => transaction.$queryRawUnsafe<Row[]>(sql) });
            await new Promise((_, abandon) => {
              forgotten.signal.addEventListener("abort", () => abandon(forgotten.signal.reason));
            });
          })
          // Nobody listens to a leaked block; after `resolve` this changes nothing.
          .catch(reject);
      });
    },
    take: () => Promise.reject(new Error("Prisma hands out no connection.")),
    close: () => (closed ??= close()),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

function blockOn(transaction: Transaction): Block {
  return {
    ...statementsOn(transaction),
    nested: (run) => transaction.$transaction((inner) => run(statementsOn(inner))),
  };
}

function statementsOn(prisma: Transaction): Statements {
  return {
    query: (sql) => prisma.$queryRawUnsafe<Row[]>(sql),
    async insert(number, lines = []) {
      const nested =
        lines.length === 0 ? {} : { lines: { create: lines.map((text) => ({ text })) } };
      await prisma.invoice.create({ data: { number, ...nested } });
    },
    async find(number): Promise<Invoice | undefined> {
      const found = await prisma.invoice.findUnique({
        where: { number },
        include: { lines: { orderBy: { id: "asc" } } },
      });
      if (found === null) return undefined;
      return { number, total: found.total, lines: found.lines.map((line) => line.text) };
    },
    async setTotal(number, total) {
      await prisma.invoice.update({ where: { number }, data: { total } });
    },
    async remove(number) {
      await prisma.invoice.delete({ where: { number } });
    },
  };
}

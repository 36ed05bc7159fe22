import type { OrmClient } from "../clients/orm.ts";
import { closedLoop } from "../load/closed-loop.ts";
import {
  type Experiment,
  type Figure,
  quotient,
  type Variant,
  type World,
} from "../method/experiment.ts";

const NUMBER = "2026-0001";
/** As the Prisma schema of the conformance suite declares it. */
const TABLE = `
  CREATE TABLE IF NOT EXISTS invoice (
    id serial PRIMARY KEY,
    number text NOT NULL UNIQUE,
    tenant text NOT NULL DEFAULT '',
    total integer NOT NULL DEFAULT 0
  );
  GRANT ALL ON invoice TO public;
  INSERT INTO invoice (number) VALUES ('${NUMBER}') ON CONFLICT DO NOTHING`;

type OpenOrm = (url: string, guarded: boolean) => Promise<OrmClient>;
type Ask = (client: OrmClient) => Promise<unknown>;

function compare(
  orm: { readonly id: string; readonly title: string; readonly open: OpenOrm },
  name: string,
  what: string,
  { callers, count, ask }: { readonly callers: number; readonly count: number; readonly ask: Ask },
): Experiment {
  const variant =
    (guarded: boolean) =>
    async ({ servers }: World): Promise<Variant> => {
      const bed = await servers.testbed("scram");
      await bed.sql(TABLE, new URL(bed.urls.direct).pathname.slice(1));
      const client = await orm.open(bed.urls.pooled, guarded);
      return {
        run: () => closedLoop({ callers, count, ask: () => ask(client) }),
        [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
      };
    };
  const of = { ours: "guarded", base: "plain" };
  const figures: readonly Figure[] = [
    quotient(
      { name: `${orm.id}.${name}`, what: `time, ${orm.title} with the policy / without: ${what}` },
      of,
    ),
    quotient({ name: `${orm.id}.${name}.cpu`, what: "the same, CPU" }, { ...of, metric: "cpu" }),
  ];
  return {
    rounds: { full: 21, quick: 3 },
    figures,
    variants: { guarded: variant(true), plain: variant(false) },
  };
}

const ORMS = [
  {
    id: "typeorm",
    title: "TypeORM",
    open: async (url: string, guarded: boolean) =>
      (await import("../clients/typeorm.ts")).openTypeorm(url, guarded),
  },
  {
    id: "prisma",
    title: "Prisma",
    open: async (url: string, guarded: boolean) =>
      (await import("../clients/prisma.ts")).openPrisma(url, guarded),
  },
];

const find: Ask = (client) => client.find(NUMBER);
const inBlock: Ask = (client) => client.findInTransaction(NUMBER);

/** TypeORM and Prisma with and without the policy: one row by a unique column, SCRAM. */
export const orms: readonly Experiment[] = ORMS.flatMap((orm) => [
  compare(orm, "find.callers1", "one caller", { callers: 1, count: 100, ask: find }),
  compare(orm, "find.callers50", "50 callers", { callers: 50, count: 300, ask: find }),
  compare(orm, "transaction", "in the ORM's own transaction, one caller", {
    callers: 1,
    count: 60,
    ask: inBlock,
  }),
]);

import { withPolicy } from "@doorpolicy/typeorm";
import { DataSource, type DataSourceOptions, EntitySchema } from "typeorm";
import { POOL_SIZE } from "../servers/servers.ts";
import { benchPolicy } from "./guarded.ts";
import type { OrmClient } from "./orm.ts";

const Invoice = new EntitySchema<{ id: number; number: string; tenant: string; total: number }>({
  name: "invoice",
  columns: {
    id: { type: Number, primary: true, generated: true },
    number: { type: String, unique: true },
    tenant: { type: String },
    total: { type: Number },
  },
});

/** TypeORM, with our policy or as it comes with a pool of the same size. */
export async function openTypeorm(url: string, guarded: boolean): Promise<OrmClient> {
  const options = { type: "postgres", url, entities: [Invoice] } satisfies DataSourceOptions;
  const source = await new DataSource(
    guarded ? withPolicy(options, benchPolicy()) : { ...options, extra: { max: POOL_SIZE } },
  ).initialize();
  return {
    find: (number) => source.getRepository(Invoice).findOneBy({ number }),
    findInTransaction: (number) =>
      source.transaction((manager) => manager.getRepository(Invoice).findOneBy({ number })),
    [Symbol.asyncDispose]: () => source.destroy(),
  };
}

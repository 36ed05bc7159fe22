import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
} from "@prisma/driver-adapter-utils";
import * as glue from "@prisma/schema-engine-wasm/schema_engine_bg";
import { PrismaPg } from "@prisma/adapter-pg";
import type * as Pg from "pg";

export type SchemaEngine = glue.SchemaEngine;

/** Node has it; `@types/node` says so of its types only. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ readonly instance: { readonly exports: Readonly<Record<string, unknown>> } }>;
};

/** Connections to the database itself and to an empty one in which Prisma compares migrations. */
export interface MigrationConnections {
  readonly main: Connection;
  readonly shadow: () => Promise<Connection>;
}

/** One connection, on which the engine does everything, and the pool that it is of. */
export interface Connection extends AsyncDisposable {
  readonly pool: Pg.Pool;
  readonly client: Pg.PoolClient;
}

/** Takes a connection out of a pool of its own. */
export async function connectionOf(pool: Pg.Pool): Promise<Connection> {
  const client = await pool.connect();
  return {
    pool,
    client,
    async [Symbol.asyncDispose]() {
      client.release();
      await pool.end();
    },
  };
}

/**
 * Prisma's schema engine: what stands behind `migrate` and `db`, with its SQL. The native one speaks to
 * Postgres by itself and is fetched at install; this is the same source built for WebAssembly, and sends its
 * statements through pg. Both do everything on one connection.
 */
export async function openSchemaEngine(
  schema: string,
  { main, shadow }: MigrationConnections,
): Promise<SchemaEngine> {
  await loadEngine();
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: "postgres",
    adapterName: "@prisma/adapter-pg",
    connect: () => adapterOn(main),
    async connectToShadowDb() {
      const connection = await shadow();
      const dispose = () => connection[Symbol.asyncDispose]();
      return Object.assign(await adapterOn(connection), { dispose });
    },
  });
  return glue.SchemaEngine.new({ datamodels: [["schema.prisma", schema]] }, () => {}, factory);
}

/** The adapter asks its pool for each statement, and cuts a script at each `;`: the native engine does neither. */
async function adapterOn({ pool, client }: Connection): Promise<SqlDriverAdapter> {
  const adapter = await new PrismaPg(pool, { disposeExternalPool: false }).connect();
  return Object.assign(adapter, {
    client,
    executeScript: async (script: string) => void (await client.query(script)),
  });
}

let loading: Promise<void> | undefined;

/** What the package's entry does, which needs a bundler that knows `.wasm`. */
function loadEngine(): Promise<void> {
  return (loading ??= instantiate());
}

async function instantiate(): Promise<void> {
  const entry = import.meta.resolve("@prisma/schema-engine-wasm");
  const file = fileURLToPath(new URL("schema_engine_bg.wasm", entry));
  const { instance } = await WebAssembly.instantiate(await readFile(file), {
    "./schema_engine_bg.js": Object.fromEntries(Object.entries(glue)),
  });
  const { __wbg_set_wasm: setExports } = glue;
  setExports(instance.exports);
  const start: unknown = instance.exports["__wbindgen_start"];
  if (typeof start === "function") start();
}

/** OIDs of `"char"`, name, char and their lists, which adapter-pg does not know. */
const TEXT_LIKE: ReadonlyMap<number, number> = new Map([
  [18, 25],
  [19, 25],
  [194, 25],
  [2206, 25],
  [1002, 1009],
  [1003, 1009],
]);

interface Field {
  dataTypeID: number;
}

/**
 * Shows the adapter columns of Postgres' own catalogues as texts. Without it, it throws `Column type 'char'
 * could not be deserialized from the database` (adapter-pg 7.10). Undone by what it returns.
 */
export function readCatalogues({ Result }: Pick<typeof Pg, "Result">): () => void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- not in the types; the same in pg 8.
  const prototype = Result.prototype as unknown as { addFields: (fields: Field[]) => void };
  const { addFields } = prototype;
  prototype.addFields = function mapped(fields) {
    for (const field of fields) {
      field.dataTypeID = TEXT_LIKE.get(field.dataTypeID) ?? field.dataTypeID;
    }
    addFields.call(this, fields);
  };
  return () => {
    prototype.addFields = addFields;
  };
}

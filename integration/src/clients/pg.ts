import { guardPg } from "@doorpolicy/pg";
import pg from "pg";
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
  TakenConnection,
} from "../client.ts";
import { pinnedVersion } from "./versions.ts";

/** Whatever takes a statement: a pool, or one of its clients. */
interface Queryable {
  query(text: string, values?: unknown[]): Promise<pg.QueryResult<Record<string, unknown>>>;
}

/** Plain node-postgres. It has no model API, so the verbs are the SQL that a service would write. */
export const pgClient: ClientUnderTest = {
  id: "pg",
  title: "pg",
  can: new Set(["hands-out-connections"]),
  version: pinnedVersion("pg"),
  open: (options) => Promise.resolve(openPg(options)),
};

function openPg({ url, own, guarding }: OpenOptions): OpenClient {
  const driver = guarding.guarded ? guardPg(pg, guarding.policy, guarding.choice) : pg;
  const pool = new driver.Pool({
    connectionString: url,
    ...(own.applicationName === undefined ? {} : { application_name: own.applicationName }),
    ...(own.poolMax === undefined ? {} : { max: own.poolMax }),
    ...(own.acquireTimeoutMs === undefined
      ? {}
      : { connectionTimeoutMillis: own.acquireTimeoutMs }),
    ...own.startup,
  });
  // A service that has read pg's documentation does this; without it a lost idle connection ends the process.
  pool.on("error", () => {});

  let closed: Promise<void> | undefined;
  const takenNow = new Set<pg.PoolClient>();

  async function take(): Promise<pg.PoolClient> {
    const client = await pool.connect();
    takenNow.add(client);
    return client;
  }

  function giveBack(client: pg.PoolClient): void {
    if (takenNow.delete(client)) client.release();
  }

  async function close(): Promise<void> {
    // `pool.end()` waits for ever for what was leaked; a process that ends lets go of it.
    for (const client of takenNow) giveBack(client);
    await pool.end();
  }

  return {
    ...statementsOn(pool, (run) => inBlock(take, giveBack, run)),
    violations: guarding.guarded ? guarding.violations : [],
    block: (run, options) => inBlock(take, giveBack, (client) => run(blockOn(client)), options),
    async leakBlock(number): Promise<LeakedBlock> {
      const client = await take();
      await client.query("begin");
      await client.query("insert into invoice (number) values ($1)", [number]);
      return { query: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows };
    },
    async take(): Promise<TakenConnection> {
      const client = await take();
      return {
        query: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
        begin: async () => void (await client.query("begin")),
        release: () => Promise.resolve(giveBack(client)),
      };
    },
    close: () => (closed ??= close()),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

async function inBlock<Result>(
  take: () => Promise<pg.PoolClient>,
  giveBack: (client: pg.PoolClient) => void,
  run: (client: pg.PoolClient) => Promise<Result>,
  { isolation }: BlockOptions = {},
): Promise<Result> {
  const client = await take();
  try {
    await client.query("begin");
    // As both ORMs do it: a statement of its own after BEGIN.
    if (isolation !== undefined) await client.query(`set transaction isolation level ${isolation}`);
    const result = await run(client);
    await client.query("commit");
    return result;
  } catch (error) {
    // The first error is the one to tell; a connection that is gone cannot be rolled back.
    await client.query("rollback").catch(() => {});
    throw error;
  } finally {
    giveBack(client);
  }
}

function blockOn(client: pg.PoolClient): Block {
  const statements = statementsOn(client, (run) => run(client));
  return {
    ...statements,
    async nested(run) {
      await client.query("savepoint inner_block");
      try {
        const result = await run(statements);
        await client.query("release savepoint inner_block");
        return result;
      } catch (error) {
        await client.query("rollback to savepoint inner_block");
        throw error;
      }
    },
  };
}

function statementsOn(
  on: Queryable,
  whole: (run: (client: Queryable) => Promise<void>) => Promise<void>,
): Statements {
  return {
    async query(sql): Promise<readonly Row[]> {
      return (await on.query(sql)).rows;
    },
    async insert(number, lines = []) {
      if (lines.length === 0) {
        await on.query("insert into invoice (number) values ($1)", [number]);
        return;
      }
      await whole(async (client) => {
        const text = "insert into invoice (number) values ($1) returning id";
        const { rows } = await client.query(text, [number]);
        for (const line of lines) {
          const values = [rows[0]?.["id"], line];
          await client.query("insert into invoice_line (invoice_id, text) values ($1, $2)", values);
        }
      });
    },
    async find(number): Promise<Invoice | undefined> {
      const { rows } = await on.query(
        `select i.number, i.total, coalesce(
           (select json_agg(l.text order by l.id) from invoice_line l where l.invoice_id = i.id), '[]'
         ) as lines from invoice i where i.number = $1`,
        [number],
      );
      const [row] = rows;
      if (row === undefined) return undefined;
      const { total, lines } = row;
      return { number, total: Number(total), lines: Array.isArray(lines) ? lines.map(String) : [] };
    },
    async setTotal(number, total) {
      await on.query("update invoice set total = $2 where number = $1", [number, total]);
    },
    async remove(number) {
      await on.query("delete from invoice where number = $1", [number]);
    },
  };
}

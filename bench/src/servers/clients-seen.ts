import pg from "pg";
import type { Testbed } from "@doorpolicy/testbed";

/** Asks PgBouncer over one connection that stays open, so that asking often costs it little. */
export interface PoolerView extends AsyncDisposable {
  /** Connections of clients to the database of the bench that bear this name, whatever they are doing. */
  clients(named?: RegExp): Promise<number>;
  /** Calls `run`, looks every 20 ms meanwhile, and gives the most such clients that were there at once. */
  mostDuring(run: () => Promise<unknown>, named?: RegExp): Promise<number>;
}

interface ClientRow {
  readonly database: string;
  readonly application_name: string;
}

const LOOK_EVERY_MS = 20;

export async function openPoolerView({ urls }: Testbed): Promise<PoolerView> {
  const console = new pg.Client({ connectionString: urls.admin });
  await console.connect();
  const database = new URL(urls.pooled).pathname.slice(1);
  const clients = async (named = /.*/): Promise<number> => {
    const { rows } = await console.query<ClientRow>("SHOW CLIENTS");
    return rows.filter((row) => row.database === database && named.test(row.application_name))
      .length;
  };
  return {
    clients,
    async mostDuring(run, named) {
      let most = 0;
      let looking: Promise<void> = Promise.resolve();
      const look = async (): Promise<void> => {
        most = Math.max(most, await clients(named));
      };
      const timer = setInterval(() => {
        looking = looking.then(look);
      }, LOOK_EVERY_MS);
      try {
        await run();
      } finally {
        clearInterval(timer);
        await looking;
      }
      return most;
    },
    [Symbol.asyncDispose]: () => console.end(),
  };
}

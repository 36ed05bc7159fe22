import pg from "pg";
import { definePolicy } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import type { Variant } from "../rounds.ts";

/** The same policy that the README recommends, on the URL that the caller gives. */
const policy = definePolicy({
  mode: "enforce",
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" } } },
  naming: { app: "bench" },
  connections: { maxPerProcess: 20 },
});

/** node-postgres with and without the guard. */
export const drivers = { plain: pg, guarded: guardPg(pg, policy) } as const;

/** `count` statements one after another on one open connection. */
export async function warmClient(
  label: string,
  driver: Pick<typeof pg, "Client">,
  url: string,
  count: number,
): Promise<Variant> {
  const client = new driver.Client({ connectionString: url });
  await client.connect();
  return {
    label,
    async run() {
      for (let i = 0; i < count; i++) await client.query("select 1");
    },
    close: () => client.end(),
  };
}

/** `count` statements through a pool, shared by `callers` callers who do not pause. */
export function pooled(label: string, pool: pg.Pool, callers: number, count: number): Variant {
  return {
    label,
    async run() {
      let left = count;
      const caller = async (): Promise<void> => {
        while (left-- > 0) await pool.query("select 1");
      };
      await Promise.all(Array.from({ length: callers }, caller));
    },
    close: () => pool.end(),
  };
}

import { once } from "node:events";
import type { OpenClient } from "../client.ts";
import type { RunningServer, Session } from "../running-server.ts";

/** The numbers that a stranger reads around the pooler: what is durable, and nothing else. */
export async function durable(server: RunningServer): Promise<readonly string[]> {
  const rows = await server.rows("select number from invoice order by number");
  return rows.map((row) => String(row["number"]));
}

/** Sessions that sit in a transaction with no statement running. */
export async function idleInTransaction(server: RunningServer): Promise<readonly Session[]> {
  return (await server.sessions()).filter(({ state }) => state.startsWith("idle in transaction"));
}

/** How long the longest of them has been idle, in milliseconds by the server's clock. */
export async function longestIdleInTransactionMs(server: RunningServer): Promise<number> {
  const [row] = await server.rows(`
    select coalesce(extract(epoch from max(clock_timestamp() - state_change)) * 1000, 0)::int as ms
    from pg_stat_activity where state like 'idle in transaction%'`);
  return Number(row?.["ms"]);
}

/** A statement that takes some time, in a form that every client can read. */
export function sleep(ms: number): string {
  return `select 1 as slept from pg_sleep(${ms / 1000})`;
}

/** Reads a setting of the session that the statement runs in. */
export function setting(name: string): string {
  return `select current_setting('${name}') as value`;
}

/** A door that a block waits behind until the scenario opens it. */
export function door(): { readonly opened: Promise<unknown>; readonly open: () => void } {
  const lock = new AbortController();
  return { opened: once(lock.signal, "abort"), open: () => lock.abort() };
}

/** Opens a block that holds its connection until `end` is called. */
export async function heldBlock(db: OpenClient): Promise<{ readonly end: () => Promise<void> }> {
  const inside = door();
  const exit = door();
  const block = db.block(async (open) => {
    await open.insert("held");
    inside.open();
    await exit.opened;
  });
  await Promise.race([inside.opened, block]);
  return {
    end() {
      exit.open();
      return block;
    },
  };
}

import { readFile } from "node:fs/promises";
import postgres from "postgres";
import { closedLoop } from "../load/closed-loop.ts";
import type { Variant } from "../method/experiment.ts";
import { POOL_SIZE } from "../servers/servers.ts";

interface Load {
  readonly callers: number;
  readonly count: number;
}

/** As its documentation sets it up behind a pooler: no named statements, no look at the types first. */
const BEHIND_POOLER = { prepare: false, fetch_types: false, onnotice: () => undefined } as const;

/** postgres.js, its connections kept open. */
export async function warmPostgres(url: string, load: Load): Promise<Variant> {
  const { plainUrl, tls } = await tlsOf(url);
  const sql = postgres(plainUrl, { ...BEHIND_POOLER, max: POOL_SIZE, ...tls });
  return {
    run: () => closedLoop({ ...load, ask: () => sql`select 1 as n` }),
    [Symbol.asyncDispose]: () => sql.end(),
  };
}

/** postgres.js that connects for every statement: the only way in which it keeps nothing. */
export async function connectEachTime(url: string, load: Load): Promise<Variant> {
  const { plainUrl, tls } = await tlsOf(url);
  const ask = async (): Promise<void> => {
    const sql = postgres(plainUrl, { ...BEHIND_POOLER, max: 1, ...tls });
    await sql`select 1 as n`;
    await sql.end();
  };
  return { run: () => closedLoop({ ...load, ask }), [Symbol.asyncDispose]: async () => undefined };
}

/** Parameters of a URL that it does not know go to the server, which refuses them; it reads no CA file. */
async function tlsOf(url: string): Promise<{ plainUrl: string; tls: { ssl?: { ca: string } } }> {
  const plain = new URL(url);
  const file = plain.searchParams.get("sslrootcert");
  plain.search = "";
  return {
    plainUrl: plain.href,
    tls: file === null ? {} : { ssl: { ca: await readFile(file, "utf8") } },
  };
}

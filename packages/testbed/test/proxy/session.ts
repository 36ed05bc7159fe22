import { startFaultProxy } from "@doorpolicy/testbed";
import { open, spoken, startSlicer } from "./clients.ts";

/** What `pg` sends in the session of {@link speak}, to a server that wants SCRAM. */
export const SENT: readonly string[] = [
  "Startup",
  "SASLInitialResponse",
  "SASLResponse",
  "Query begin",
  "Parse by-name select n from generate_series(1, $1::int) n",
  "Bind by-name",
  "Describe",
  "Execute",
  "Sync",
  "Bind by-name",
  "Describe",
  "Execute",
  "Sync",
  "Query select 1/0",
  "Query commit",
  "Query ",
  "Terminate",
];
/** And what PostgreSQL answers. */
export const ANSWERED: readonly string[] = [
  "AuthenticationSASL",
  "AuthenticationSASLContinue",
  "AuthenticationSASLFinal",
  "AuthenticationOk",
  "BackendKeyData",
  "ReadyForQuery I",
  "CommandComplete BEGIN",
  "ReadyForQuery T",
  "ParseComplete",
  "BindComplete",
  "RowDescription",
  "DataRow ×3",
  "CommandComplete SELECT 3",
  "ReadyForQuery T",
  "BindComplete",
  "RowDescription",
  "DataRow ×2",
  "CommandComplete SELECT 2",
  "ReadyForQuery T",
  "ErrorResponse 22012",
  "ReadyForQuery E",
  "CommandComplete ROLLBACK",
  "ReadyForQuery I",
  "EmptyQueryResponse",
  "ReadyForQuery I",
];

/** A session with everything that is common: a block, a named statement twice, an error, nothing. */
export async function speak(through: string): Promise<number[]> {
  const client = await open(through);
  const byName = { name: "by-name", text: "select n from generate_series(1, $1::int) n" };
  await client.query("begin");
  const { rows } = await client.query(byName, [3]);
  await client.query(byName, [2]);
  await client.query("select 1/0").catch(() => {});
  await client.query("commit");
  await client.query("");
  await client.end();
  return rows.map(({ n }: { n: number }) => n);
}

/** The same, with a proxy that gets every packet in slices, from both sides. */
export async function speakInSlices(
  direct: string,
  size: number,
): Promise<{ rows: number[]; sent: string[]; answered: string[] }> {
  const { hostname: host, port } = new URL(direct);
  await using proxy = await startFaultProxy({
    target: await startSlicer({ host, port: Number(port) }, size),
  });
  const front = await startSlicer(proxy, size);

  const rows = await speak(direct.replace(`:${port}/`, `:${front.port}/`));

  return { rows, sent: spoken(proxy, "client"), answered: spoken(proxy, "server") };
}

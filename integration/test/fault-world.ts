import { definePolicy, type Explanation, explainError, type Policy } from "@doorpolicy/core";
import { startTestbed, type Testbed, type TestbedOptions } from "@doorpolicy/testbed";
import pg from "pg";
import type { ClientUnderTest, OpenClient, OwnOptions } from "../src/client.ts";
import { CREATE_TABLES } from "../src/tables.ts";
import { unavailability } from "../src/unavailability.ts";

/** A server with one server connection in its pool: whoever comes second waits. */
export async function startFaultBed(
  options: TestbedOptions = {},
): Promise<{ readonly bed: Testbed } | { readonly absent: string }> {
  try {
    const bed = await startTestbed({
      allowDownload: true,
      pooler: { version: "1.24" },
      poolSize: 1,
      auth: "scram",
      ...options,
    });
    await usingClient(bed.urls.direct, (client) => client.query(CREATE_TABLES));
    return { bed };
  } catch (error) {
    const absent = unavailability(error);
    if (absent === undefined) throw error;
    return { absent };
  }
}

/** Runs with a connection of node-postgres that is closed afterwards, whatever happens to it. */
export async function usingClient<Result>(
  url: string,
  run: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  try {
    await client.connect();
    return await run(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** What plain, unguarded clients make of a fault: they say the same as they do without this package. */
export async function explanationOf(
  client: ClientUnderTest,
  url: string,
  run: (open: OpenClient) => Promise<unknown>,
  own: OwnOptions = {},
): Promise<Explanation | undefined> {
  return explainError(
    await errorOf(async () => {
      await using open = await client.open({ url, own, guarding: { guarded: false } });
      await run(open);
    }),
  );
}

/** The client under an enforcing policy, with limits short enough to wait for. */
export function openGuarded(
  client: ClientUnderTest,
  url: string,
  { policy = {}, own = {} }: { readonly policy?: Policy; readonly own?: OwnOptions } = {},
): Promise<OpenClient> {
  const whole = definePolicy({
    mode: "enforce",
    naming: { app: "faults", user: "suite", host: "here" },
    targets: { main: { pooler: { kind: "pgbouncer", version: "1.24", mode: "transaction" } } },
    onViolation: () => {},
    ...policy,
    connections: { acquireTimeoutMs: 1_000, ...policy.connections },
  });
  return client.open({
    url,
    own,
    guarding: { guarded: true, policy: whole, choice: {}, violations: [] },
  });
}

/** What it rejects with. */
export async function errorOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing failed.");
}

/** The same URL with another part. */
export function urlWith(
  url: string,
  parts: {
    readonly port?: number;
    readonly password?: string;
    readonly database?: string;
    readonly search?: string;
  },
): string {
  const changed = new URL(url);
  if (parts.port !== undefined) changed.port = String(parts.port);
  if (parts.password !== undefined) changed.password = parts.password;
  if (parts.database !== undefined) changed.pathname = `/${parts.database}`;
  if (parts.search !== undefined) changed.search = parts.search;
  return changed.href;
}

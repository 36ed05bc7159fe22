import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Testbed } from "@doorpolicy/testbed";
import type { OpenClient, OwnOptions } from "../src/client.ts";
import { eventually } from "../src/expect.ts";
import { urlWith, usingClient } from "./fault-world.ts";

/** One fault, as it is provoked through a client on real servers. */
export interface Fault {
  readonly title: string;
  /** `undefined`: an error of the application itself. */
  readonly kind: string | undefined;
  readonly url?: (bed: Testbed) => string | Promise<string>;
  readonly own?: OwnOptions;
  /** What becomes of it under a policy; @default the same kind */
  readonly underPolicy?: "does not happen";
  /** Rejects; connecting may reject before it. */
  readonly run: (client: OpenClient, bed: Testbed) => Promise<unknown>;
}

const anyStatement = (client: OpenClient): Promise<unknown> => client.query("select 1 as one");

/** What a function of the server raises: the SQLSTATE is the server's, the text is a user's. */
const raising = (sqlstate: string, text = "query_wait_timeout") => `
  do $$ begin raise exception using errcode = '${sqlstate}', message = '${text}'; end $$`;

/** Faults of the network, the pooler, the login, the server and the application itself. */
export const faults: readonly Fault[] = [
  {
    title: "a port where nobody listens",
    kind: "network.refused",
    url: async (bed) => urlWith(bed.urls.pooled, { port: await freePort() }),
    run: anyStatement,
  },
  {
    title: "a wrong password, refused by the pooler",
    kind: "auth.failed",
    url: (bed) => urlWith(bed.urls.pooled, { password: "wrong" }),
    run: anyStatement,
  },
  {
    title: "a wrong password, refused by PostgreSQL",
    kind: "auth.failed",
    url: (bed) => urlWith(bed.urls.direct, { password: "wrong" }),
    run: anyStatement,
  },
  {
    title: "a password that is missing",
    kind: "auth.no-password",
    url: (bed) => urlWith(bed.urls.pooled, { password: "" }),
    run: anyStatement,
  },
  {
    title: "a database that the pooler does not know",
    kind: "server.unknown-database",
    url: (bed) => urlWith(bed.urls.pooled, { database: "nowhere" }),
    run: anyStatement,
  },
  {
    title: "a database that PostgreSQL does not know",
    kind: "server.unknown-database",
    url: (bed) => urlWith(bed.urls.direct, { database: "nowhere" }),
    run: anyStatement,
  },
  {
    title: "a certificate that nobody vouches for",
    kind: "tls.self-signed",
    url: (bed) => urlWith(bed.urls.pooled, { search: "sslmode=verify-full" }),
    run: anyStatement,
  },
  {
    title: "`statement_timeout` in the startup packet",
    kind: "pooler.unsupported-startup-parameter",
    own: { startup: { statement_timeout: 5_000 } },
    underPolicy: "does not happen",
    run: anyStatement,
  },
  {
    title: "a statement that outlives statement_timeout",
    kind: "server.statement-cancelled",
    run: (client) =>
      client.block(async (block) => {
        await block.query("set local statement_timeout = '50ms'");
        await block.query("select 1 as one from pg_sleep(5)");
      }),
  },
  {
    title: "a lock that is not given up",
    kind: "server.lock-timeout",
    run: (client, bed) =>
      usingClient(bed.urls.direct, async (holder) => {
        await holder.query("begin; lock table audit");

        await client.block(async (block) => {
          await block.query("set local lock_timeout = '50ms'");
          await block.query("select count(*)::int from audit");
        });
      }),
  },
  {
    title: "a block whose first error was swallowed",
    kind: "server.transaction-aborted",
    run: (client) =>
      client.block(async (block) => {
        await block.query("select 1 / 0 as nothing").catch(() => {});
        await block.query("select 1 as one");
      }),
  },
  {
    title: "a backend that is terminated while a statement runs",
    kind: "server.terminated",
    async run(client, bed) {
      const running = client.query("select 1 as one from pg_sleep(30) /* doomed */");
      // Whoever loses the race to the poll below is still asked for its error.
      running.catch(() => {});
      await eventually(async () => {
        const rows = await bed.sql(
          "select pg_terminate_backend(pid) from pg_stat_activity where state = 'active' and query like '%/* doomed */%' and pid <> pg_backend_pid()",
        );
        assert.equal(rows.length, 1);
      });

      await running;
    },
  },
  ...(
    [
      ["40001", "server.serialization-failure"],
      ["40P01", "server.deadlock"],
      ["25006", "server.read-only"],
      ["53300", "server.connection-limit"],
      ["26000", "statement.named-untracked"],
    ] as const
  ).map(([sqlstate, kind]) => ({
    title: `SQLSTATE ${sqlstate}, whatever its text`,
    kind,
    run: (client: OpenClient) => client.query(raising(sqlstate)),
  })),
  {
    title: "an exception of a function with the text of a pooler",
    kind: undefined,
    run: (client) => client.query(raising("P0001", "idle transaction timeout")),
  },
  {
    title: "a unique key that is violated by a value with the text of a pooler",
    kind: undefined,
    async run(client) {
      await client.insert("query_wait_timeout").catch(() => {});
      await client.insert("query_wait_timeout");
    },
  },
  {
    title: "a syntax error that quotes the text of a pooler",
    kind: undefined,
    run: (client) => client.query('select "query_wait_timeout'),
  },
];

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("No TCP address.");
  return address.port;
}

import pg from "pg";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  resolvePooler,
  resolvePostgres,
  startTestbed,
  type PostgresMajor,
  type Testbed,
  type TestbedOptions,
} from "@doorpolicy/testbed";

/** One testbed for one test; a version that cannot be had here skips it with the reason. */
async function openOr(
  skip: (condition: boolean, why?: string) => void,
  options: TestbedOptions,
): Promise<Testbed> {
  const pooler = options.pooler === false ? {} : options.pooler;
  for (const found of [
    await resolvePostgres({ allowDownload: true, ...options.postgres }),
    await resolvePooler({ allowDownload: true, ...pooler }),
  ]) {
    if ("unavailable" in found) skip(true, found.unavailable);
  }
  const bed = await startTestbed({ allowDownload: true, ...options });
  onTestFinished(() => bed.stop());
  return bed;
}

async function ask(url: string, sql: string): Promise<pg.QueryResult["rows"]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const poolers = ["1.18.0", "1.24.1", "1.26.1"];
const majors: readonly PostgresMajor[] = ["15", "16", "17", "18"];

beforeAll(async () => {
  // Fetching takes longer than a test may.
  for (const version of majors) await resolvePostgres({ version, allowDownload: true });
  for (const version of poolers) await resolvePooler({ version, allowDownload: true });
  await resolvePooler({ kind: "odyssey", allowDownload: true });
}, 300_000);

describe.each(poolers)("PgBouncer %s", (version) => {
  it.for([
    { auth: "trust", tls: false },
    { auth: "md5", tls: false },
    { auth: "scram", tls: false },
    { auth: "scram", tls: true },
  ] as const)("stands before PostgreSQL 17 with %j", async (options, { skip }) => {
    const bed = await openOr(skip, { ...options, pooler: { version } });

    const rows = await Promise.all(
      [bed.urls.pooled, bed.urls.session, bed.urls.direct].map((url) =>
        ask(url, "select 1 as one"),
      ),
    );

    expect(rows).toEqual([[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]]);
    expect(bed.versions.pooler).toBe(version);
    expect(bed.logs.since(undefined, "pooler")).not.toMatch(/ERROR|WARNING.*unknown/);
  });

  it.for(["session", "statement"] as const)("stands in %s mode", async (poolMode, { skip }) => {
    const bed = await openOr(skip, { poolMode, pooler: { version } });

    const databases = await bed.admin("SHOW DATABASES");
    const mode = await bed.admin("SHOW CONFIG");

    expect(mode.find((row) => row["key"] === "pool_mode")?.["value"]).toBe(poolMode);
    expect(databases.find((row) => row["name"] === "app_session")?.["pool_mode"]).toBe("session");
  });

  it("comes back after a restart and after a restart of PostgreSQL", async ({ skip }) => {
    const bed = await openOr(skip, { pooler: { version } });

    await bed.restartPooler();
    const first = await ask(bed.urls.pooled, "select 1 as one");
    await bed.restartPostgres();
    await bed.admin("RECONNECT");

    expect(first).toEqual([{ one: 1 }]);
    await expect(ask(bed.urls.session, "select 2 as two")).resolves.toEqual([{ two: 2 }]);
  });
});

describe.each(majors)("PostgreSQL %s", (version) => {
  it.for(["trust", "md5", "scram"] as const)(
    "stands behind PgBouncer with %s",
    async (auth, { skip }) => {
      const bed = await openOr(skip, { auth, postgres: { version } });

      const [row] = await ask(bed.urls.pooled, "show server_version");

      expect(bed.versions.postgres.split(".")[0]).toBe(version);
      expect(row.server_version.startsWith(version)).toBe(true);
    },
  );
});

describe("the newest pair", () => {
  it("is PgBouncer 1.26.1 before PostgreSQL 18", async ({ skip }) => {
    const bed = await openOr(skip, { postgres: { version: "18" }, pooler: { version: "1.26" } });

    await expect(ask(bed.urls.pooled, "select 1 as one")).resolves.toEqual([{ one: 1 }]);
  });
});

describe("Odyssey", () => {
  it.for([
    { auth: "trust", tls: false },
    { auth: "md5", tls: false },
    { auth: "scram", tls: false },
    { auth: "scram", tls: true },
  ] as const)("stands before PostgreSQL 17 with %j", async (options, { skip }) => {
    const bed = await openOr(skip, { ...options, poolSize: 1, pooler: { kind: "odyssey" } });

    const rows = await Promise.all(
      [bed.urls.pooled, bed.urls.session, bed.urls.direct].map((url) =>
        ask(url, "select 1 as one"),
      ),
    );

    expect(rows).toEqual([[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]]);
    expect(bed.versions.pooler).toBe("1.5.2");
    await expect(bed.admin("SHOW POOLS")).resolves.not.toHaveLength(0);
  });

  it("shares one server connection between two clients, transaction by transaction", async ({
    skip,
  }) => {
    const bed = await openOr(skip, { poolSize: 1, pooler: { kind: "odyssey" } });
    const clients = [0, 1].map(() => new pg.Client({ connectionString: bed.urls.pooled }));

    const pids: unknown[] = [];
    for (const client of clients) {
      await client.connect();
      pids.push((await client.query("select pg_backend_pid() pid")).rows[0].pid);
    }
    for (const client of clients) await client.end();

    expect(pids[0]).toBe(pids[1]);
  });

  it("stops and starts again on its port", async ({ skip }) => {
    const bed = await openOr(skip, { pooler: { kind: "odyssey" } });

    await bed.restartPooler();

    await expect(ask(bed.urls.pooled, "select 1 as one")).resolves.toEqual([{ one: 1 }]);
  });
});

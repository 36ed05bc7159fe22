import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestbed, type Testbed, type TextRow } from "@doorpolicy/testbed";
import { poll } from "../src/run/poll.ts";
import { startupMessage } from "../src/wire/messages.ts";
import { one, withClient } from "./fixtures/one.ts";

let bed: Testbed;

beforeAll(async () => {
  bed = await startTestbed({
    allowDownload: true,
    poolSize: 1,
    databases: ["ledger"],
    users: { auditor: "s3cret:/@" },
    postgres: { settings: { work_mem: "7MB" } },
    pooler: { settings: { query_wait_timeout: 17 } },
  });
});
afterAll(() => bed?.stop());

describe("URLs", () => {
  it.each(["pooled", "session", "direct"] as const)(
    "%s leads to the same database",
    async (lane) => {
      const database = await one(bed.urls[lane], "select current_database()");

      expect(database).toBe("app");
    },
  );

  it("admin leads to the console", async () => {
    const version = await one(bed.urls.admin, "show version");

    expect(version).toContain(bed.versions.pooler);
  });

  it("pooled shares one server connection between two clients, transaction by transaction", async () => {
    const pids = await withClient(bed.urls.pooled, async (first) =>
      withClient(bed.urls.pooled, async (second) => {
        const sql = "select pg_backend_pid() pid";
        return [await first.query(sql), await second.query(sql)].map(({ rows }) => rows[0].pid);
      }),
    );

    expect(pids[0]).toBe(pids[1]);
  });

  it("session keeps its server connection while it is idle, and never one of the transaction pool", async () => {
    const [pooled, session, held] = await withClient(bed.urls.pooled, async (stranger) =>
      withClient(bed.urls.session, async (client) => {
        const sql = "select pg_backend_pid() pid";
        const pids = [await stranger.query(sql), await client.query(sql)].map(
          ({ rows }) => rows[0].pid,
        );
        return [...pids, await bed.admin("SHOW SERVERS")];
      }),
    );
    const states = Object.fromEntries(
      held.map((row: TextRow) => [Number(row["remote_pid"]), row["state"]]),
    );

    expect(session).not.toBe(pooled);
    expect(states[session]).toBe("active");
    expect(states[pooled]).not.toBe("active");
  });

  it("urlsFor knows other databases and roles, with passwords that need escaping", async () => {
    const urls = bed.urlsFor({ database: "ledger", user: "auditor" });

    const names = await Promise.all(
      [urls.pooled, urls.session, urls.direct].map((url) =>
        one(url, "select current_database() || ' ' || current_user"),
      ),
    );

    expect(names).toEqual(["ledger auditor", "ledger auditor", "ledger auditor"]);
    expect(() => bed.urlsFor({ database: "nosuch" })).toThrowError(/no database "nosuch"/);
  });
});

describe("the role of the URLs", () => {
  it("owns its database and is no superuser, so that row-level security applies to it", async () => {
    const role = await withClient(bed.urls.direct, async (client) => {
      await client.query("create table notes (id int)");
      const { rows } = await client.query(
        "select rolsuper, rolbypassrls, pg_has_role('pg_monitor', 'member') monitor from pg_roles where rolname = current_user",
      );
      return rows[0];
    });

    expect(role).toEqual({ rolsuper: false, rolbypassrls: false, monitor: true });
  });
});

describe("settings", { timeout: 60_000 }, () => {
  it("reach PostgreSQL and PgBouncer", async () => {
    const workMem = await one(bed.urls.direct, "show work_mem");
    const config = await bed.admin("SHOW CONFIG");
    const value = (key: string) => config.find((row) => row["key"] === key)?.["value"];

    expect(workMem).toBe("7MB");
    expect(value("query_wait_timeout")).toBe("17");
    expect(value("default_pool_size")).toBe("1");
    expect(value("max_prepared_statements")).toBe("200");
  });

  it("that the pooler does not know are an error with the pooler's own words", async () => {
    const failure = startTestbed({ allowDownload: true, pooler: { settings: { no_such_key: 1 } } });

    await expect(failure).rejects.toMatchObject({
      code: "testbed/pooler-start-failed",
      message: expect.stringContaining("no_such_key"),
    });
  });
});

describe("admin()", () => {
  it("changes the running pooler", async () => {
    await bed.admin("SET query_wait_timeout = '23'");

    const config = await bed.admin("SHOW CONFIG");

    expect(config.find((row) => row["key"] === "query_wait_timeout")?.["value"]).toBe("23");
  });

  it("rejects what the console refuses, in the console's words", async () => {
    const answer = bed.admin("SHOW NONSENSE");

    await expect(answer).rejects.toMatchObject({
      code: "testbed/admin-command-failed",
      message: expect.stringContaining("SHOW NONSENSE"),
    });
  });
});

describe("sql()", () => {
  it("asks as superuser, past the pooler", async () => {
    const [row] = await bed.sql("select current_user, null as nothing, 'ä' as umlaut");

    expect(row).toEqual({ current_user: "postgres", nothing: null, umlaut: "ä" });
  });

  it("rejects with the server's message and state", async () => {
    await expect(bed.sql("select 1/0")).rejects.toMatchObject({
      code: "testbed/sql-failed",
      message: expect.stringContaining("22012"),
    });
  });
});

describe("logs", () => {
  it("hold what a span of time brought, and nothing from before", async () => {
    await bed.sql("do $$ begin raise log 'before the mark'; end $$");
    const mark = bed.logs.mark();
    await bed.sql("do $$ begin raise log 'after the mark'; end $$");
    await one(bed.urls.pooled, "select 1");

    const text = await poll(
      () =>
        /login attempt/.test(bed.logs.since(mark, "pooler")) ? bed.logs.since(mark) : undefined,
      { timeoutMs: 5_000 },
    );

    expect(text).toContain("after the mark");
    expect(text).not.toContain("before the mark");
    expect(bed.logs.since(undefined, "postgres")).toContain("before the mark");
    expect(bed.logs.since(mark, "postgres")).not.toContain("login attempt");
  });
});

describe("restarts", () => {
  it("bring the pooler back on the same port, as another process", async () => {
    const before = bed.pooler?.pid;

    await bed.stopPooler();
    const down = bed.pooler?.pid;
    const refused = one(bed.urls.pooled, "select 1");
    await expect(refused).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await bed.startPooler();

    expect(down).toBeUndefined();
    expect(bed.pooler?.pid).not.toBe(before);
    await expect(one(bed.urls.pooled, "select 42")).resolves.toBe(42);
  });

  it("bring PostgreSQL back with what was committed", async () => {
    await bed.sql("create table kept as select 7 as number", "app");

    await bed.restartPostgres();

    await expect(bed.sql("select number from kept", "app")).resolves.toEqual([{ number: "7" }]);
  });
});

describe("a testbed over servers that already run", () => {
  it("puts a pooler of its own in front of a given PostgreSQL, and leaves that one running", async () => {
    await using over = await startTestbed({
      allowDownload: true,
      auth: "scram",
      postgres: { url: bed.urls.direct },
    });

    const name = await one(over.urls.pooled, "select current_database()");

    expect(name).toBe("app");
    expect(over.urls.direct).toBe(bed.urls.direct);
    expect(over.postgres).toBeUndefined();
    await expect(over.restartPostgres()).rejects.toMatchObject({
      code: "testbed/postgres-not-owned",
    });
    await over.stop();
    await expect(bed.sql("select 1")).resolves.toHaveLength(1);
  });

  it("takes a given pooler with its console", async () => {
    const { pooled: url, session: sessionUrl, admin: adminUrl, direct } = bed.urls;
    await using over = await startTestbed({
      postgres: { url: direct },
      pooler: { url, sessionUrl, adminUrl },
    });

    const pools = await over.admin("SHOW POOLS");

    expect(over.urls).toEqual(bed.urls);
    expect(over.versions).toEqual(bed.versions);
    expect(pools.length).toBeGreaterThan(0);
  });
});

describe("a fixed port", () => {
  it("that is taken is an error that names it and says what to do", async () => {
    const taken = bed.pooler?.port ?? 0;

    const failure = startTestbed({ allowDownload: true, pooler: { port: taken } });

    await expect(failure).rejects.toMatchObject({
      code: "testbed/port-in-use",
      message: expect.stringContaining(String(taken)),
      hint: expect.stringContaining("Stop what listens there"),
    });
  });
});

describe("clients by the thousand", { timeout: 60_000 }, () => {
  it("are let in: the descriptor limit is raised and max_client_conn is generous", async () => {
    const port = bed.pooler?.port ?? 0;
    const hello = startupMessage({ user: "app", database: "app" });
    const loggedIn = async (): Promise<number> => {
      const clients = await bed.admin("SHOW CLIENTS");
      return clients.filter((row) => row["database"] === "app").length;
    };

    const sockets = Array.from({ length: 1_200 }, () => connect(port, "127.0.0.1"));
    for (const socket of sockets) socket.write(hello);
    const all = await poll(async () => ((await loggedIn()) === sockets.length ? true : undefined), {
      timeoutMs: 30_000,
      intervalMs: 100,
    });
    for (const socket of sockets) socket.destroy();

    expect(all).toBe(true);
  });
});

import type { Policy } from "@doorpolicy/core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";

import { rejection, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});
afterEach(() => vi.unstubAllEnvs());

/** As the testbed's pooler is. */
const targets: NonNullable<Policy["targets"]> = {
  main: { pooler: { kind: "pgbouncer", version: "1.24" } },
};
const SHOW = "select current_setting('statement_timeout') as statement";

describe("a limit in the startup packet", () => {
  test("travels with BEGIN instead, and that is said once", async () => {
    const { pg, seen } = world.guard({ targets });
    for (let round = 0; round < 2; round++) {
      const client = new pg.Client({
        connectionString: world.bed.urls.pooled,
        statement_timeout: 4_000,
      });
      await client.connect();

      await client.query("BEGIN");
      const inside = await client.query(SHOW);
      await client.query("COMMIT");
      const outside = await client.query(SHOW);

      expect(inside.rows).toEqual([{ statement: "4s" }]);
      expect(outside.rows).toEqual([{ statement: "0" }]);
      await client.end();
    }

    expect(seen).toMatchObject([
      {
        rule: "transaction/limits",
        action: "translated",
        message: expect.stringMatching(
          /`statement_timeout` at `statement_timeout`.*outside a block have no such limit/,
        ),
      },
    ]);
  });

  test.each([
    ["the options of a pool", { options: "-c statement_timeout=4s" }, ""],
    ["a pool's own key", { statement_timeout: 4_000 }, ""],
    ["the URL", {}, "?options=-c%20statement_timeout%3D4s"],
    ["the URL's own key", {}, "?statement_timeout=4000"],
  ])("from %s travels with BEGIN", async (_, config, search) => {
    const { pg, seen } = world.guard({ targets });
    const pool = new pg.Pool({ connectionString: world.bed.urls.pooled + search, ...config });
    const client = await pool.connect();

    await client.query("BEGIN");
    const { rows } = await client.query(SHOW);

    expect(rows).toEqual([{ statement: "4s" }]);
    expect(seen).toMatchObject([{ rule: "transaction/limits", action: "translated" }]);
    await client.query("COMMIT");
    client.release();
    await pool.end();
  });

  test("from PGOPTIONS travels with BEGIN", async () => {
    vi.stubEnv("PGOPTIONS", "-c statement_timeout=4s");
    const { pg, seen } = world.guard({ targets });
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();

    await client.query("BEGIN");
    const { rows } = await client.query(SHOW);

    expect(rows).toEqual([{ statement: "4s" }]);
    expect(seen[0]?.message).toContain("`env PGOPTIONS`");
    await client.end();
  });

  test.each(["60s", "0"])(
    "from PGOPTIONS, %s, only fills what the service leaves open",
    async (statement) => {
      vi.stubEnv("PGOPTIONS", `-c statement_timeout=${statement} -c lock_timeout=7s`);
      const { pg } = world.guard({ targets });
      await using pool = closing(
        new pg.Pool({ connectionString: world.bed.urls.pooled, statement_timeout: 4_000 }),
      );
      const client = await pool.connect();

      await client.query("BEGIN");
      const { rows } = await client.query(
        "select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock",
      );
      await client.query("COMMIT");
      client.release();

      expect(rows).toEqual([{ statement: "4s", lock: "7s" }]);
    },
  );

  test("goes out as it is in observe, and the report says what the pooler does about it", async () => {
    const { pg, seen } = world.guard({ targets, mode: "observe" });
    const client = new pg.Client({
      connectionString: world.bed.urls.pooled,
      statement_timeout: 4_000,
    });

    const error = await rejection(client.connect());

    expect(error).toMatchObject({
      code: "08P01",
      message: expect.stringContaining("statement_timeout"),
    });
    expect(seen).toMatchObject([{ rule: "transaction/limits", action: "would-have" }]);
  });

  test("is dropped in bypass, so that the service can connect", async () => {
    const { pg, seen } = world.guard({ targets, mode: "bypass" });
    const client = new pg.Client({
      connectionString: world.bed.urls.pooled,
      statement_timeout: 4_000,
    });

    await client.connect();

    expect((await client.query(SHOW)).rows).toEqual([{ statement: "0" }]);
    expect(seen).toEqual([]);
    await client.end();
  });

  test("is left alone on the direct lane", async () => {
    const { pg, seen } = world.guard({ targets });
    const client = new (direct(pg).Client)({
      connectionString: world.bed.urls.direct,
      statement_timeout: 4_000,
    });
    await client.connect();

    const { rows } = await client.query(SHOW);

    expect(rows).toEqual([{ statement: "4s" }]);
    expect(seen).toEqual([]);
    await client.end();
  });
});

describe("a startup parameter that changes results or rights", () => {
  test.each([
    [
      "options",
      { options: "-c search_path=tenant" },
      "",
      /`search_path` inside `options` at `options`.*Qualify table names/,
    ],
    [
      "the URL",
      {},
      "?options=-c%20role%3Dadmin",
      /`role` inside `options` at `connectionString\?options`.*ALTER ROLE … SET role/,
    ],
    [
      "replication",
      { replication: "database" },
      "",
      /`replication` at `replication`.*Use the direct lane/,
    ],
  ])("from %s is refused before a socket is opened", async (_, extra, search, message) => {
    const { pg } = world.guard({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.18" } } },
    });
    const config = { connectionString: world.bed.urls.pooled + search, ...extra };
    const client = new pg.Client(config);

    const error = await rejection(client.connect());
    const byCallback = await new Promise((resolve) => {
      new pg.Client(config).connect(resolve);
    });

    for (const one of [error, byCallback]) {
      expect(one).toMatchObject({
        code: "startup/refused",
        message: expect.stringMatching(message),
      });
    }
    expect(Reflect.get(client, "connection")).toMatchObject({ stream: { pending: true } });
  });

  test("from PGOPTIONS is refused, also where an ORM makes the pool", async () => {
    vi.stubEnv("PGOPTIONS", "-c search_path=tenant");
    const { pg } = world.guard({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.18" } } },
    });

    const error = await rejection(
      (async () => new pg.Pool({ connectionString: world.bed.urls.pooled }).query("select 1"))(),
    );

    expect(error).toMatchObject({ code: "startup/refused", path: "env PGOPTIONS" });
  });

  test("is reported and left alone where a written exception covers it", async () => {
    const { pg, seen } = world.guard({
      targets,
      allow: [
        {
          rule: "startup/no-unsupported-parameters",
          match: "options",
          reason: "the pooler is told to ignore it",
        },
      ],
    });
    const client = new pg.Client({
      connectionString: world.bed.urls.pooled,
      options: "-c search_path=tenant",
    });

    await rejection(client.connect());

    expect(seen).toMatchObject([
      {
        action: "allowed",
        message: expect.stringContaining("Allowed: the pooler is told to ignore it."),
      },
    ]);
  });
});

describe("a NUL byte", () => {
  test.each([
    ["user", { user: "app\0application_name\0x" }],
    ["database", { database: "app\0options\0-c role=admin" }],
  ])("in the %s never reaches the packet", async (name, extra) => {
    const { pg } = world.guard({ mode: "bypass" });
    const { hostname, port } = new URL(world.bed.urls.pooled);
    const client = new pg.Client({
      host: hostname,
      port: Number(port),
      user: "app",
      database: "app",
      ...extra,
    });

    const error = await rejection(client.connect());

    expect(error).toMatchObject({
      code: "startup/refused",
      message: expect.stringContaining(`\`${name}\``),
    });
  });
});

describe("another control character", () => {
  test("in PGOPTIONS is a blank to Postgres, and left to it", async () => {
    vi.stubEnv("PGOPTIONS", "-c\tjit=off\n");
    const { pg } = world.guard({ targets });
    const client = new (direct(pg).Client)(world.bed.urls.direct);

    await client.connect();

    expect((await client.query("show jit")).rows).toEqual([{ jit: "off" }]);
    await client.end();
  });
});

function closing<Pool extends { end(): Promise<void> }>(pool: Pool): Pool & AsyncDisposable {
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}

function direct(pg: ReturnType<World["guard"]>["pg"]): ReturnType<World["guard"]>["pg"] {
  return world.guard({ targets }, pg, { lane: "direct" }).pg;
}

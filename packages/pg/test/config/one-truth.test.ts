import { inspect } from "node:util";

import { type Environment, isPolicyError, type Mode, type Policy } from "@doorpolicy/core";
import pg from "pg";
import { afterEach, describe, expect, test, vi } from "vitest";

import {
  applyToPoolConfig,
  describePoolConfig,
  type PoolConfigInput,
} from "../../src/config/index.ts";
import { attempt } from "./attempt.ts";
import { laneOf } from "./policies.ts";

const URL = "postgresql://u:hunter2@h:6432/db";

afterEach(() => vi.unstubAllEnvs());

function contradictionsOf(
  config: PoolConfigInput,
  environment: Environment = {},
): readonly (readonly [string, string])[] {
  const { contradictions = [] } = describePoolConfig(config, {
    client: "pg",
    target: "main",
    lane: "pooled",
    environment,
  });
  return contradictions.map(({ value, path }) => [path, value.wins]);
}

/** What pg itself makes of a config, which is what the tables claim. */
function connectsTo(config: pg.ClientConfig): readonly unknown[] {
  const client = new pg.Client(config);
  return [client.host, client.port, client.database, client.user, client.ssl];
}

describe("settings that contradict each other", () => {
  const table: readonly (readonly [
    says: string,
    config: Record<string, unknown>,
    found: readonly (readonly [path: string, wins: string])[],
  ])[] = [
    ["a URL alone", { connectionString: URL }, []],
    ["fields alone", { host: "h", port: 1, user: "u", password: "hunter2", ssl: true }, []],
    [
      "a URL and the same once more",
      {
        connectionString: URL,
        host: "h",
        port: 6432,
        database: "db",
        user: "u",
        password: "hunter2",
      },
      [],
    ],
    ["another host", { connectionString: URL, host: "i" }, [["host", "connectionString"]]],
    ["another port", { connectionString: URL, port: 5432 }, [["port", "connectionString"]]],
    [
      "another database",
      { connectionString: URL, database: "e" },
      [["database", "connectionString"]],
    ],
    ["another user", { connectionString: URL, user: "v" }, [["user", "connectionString"]]],
    [
      "another password",
      { connectionString: URL, password: "hunter3" },
      [["password", "connectionString"]],
    ],
    [
      "a function for the password, which is never asked",
      { connectionString: "postgresql://u@h/db", password: () => "hunter2" },
      [["password", "connectionString"]],
    ],
    [
      "a port that the URL does not say",
      { connectionString: "postgresql://u@h/db", port: 6432 },
      [["port", "connectionString"]],
    ],
    ["what is empty", { connectionString: URL, host: "", password: undefined, port: null }, []],
    [
      "a CA beside a TLS mode in the URL",
      { connectionString: `${URL}?sslmode=require`, ssl: { ca: "…" } },
      [["ssl", "connectionString?sslmode"]],
    ],
    [
      "TLS off in the options, on in the URL",
      { connectionString: `${URL}?sslmode=verify-full`, ssl: false },
      [["ssl", "connectionString?sslmode"]],
    ],
    [
      "a CA beside a CA file",
      { connectionString: `${URL}?sslrootcert=/ca.pem`, ssl: true },
      [["ssl", "connectionString?sslrootcert"]],
    ],
    ["the same TLS twice", { connectionString: `${URL}?sslmode=verify-full`, ssl: {} }, []],
    [
      "the same TLS twice, unverified",
      { connectionString: `${URL}?sslmode=no-verify`, ssl: { rejectUnauthorized: false } },
      [],
    ],
    ["no TLS twice", { connectionString: `${URL}?sslmode=disable`, ssl: false }, []],
    ["an ssl object and a URL without TLS", { connectionString: URL, ssl: { ca: "…" } }, []],
    [
      "a parameter twice",
      { connectionString: `${URL}?sslmode=disable&sslmode=verify-full` },
      [["connectionString?sslmode", "the last `sslmode`"]],
    ],
    ["a parameter twice alike", { connectionString: `${URL}?a=b&a=b` }, []],
    [
      "a password twice",
      { connectionString: `${URL}?password=a&password=b` },
      [["connectionString?password", "the last `password`"]],
    ],
    [
      "an empty password behind the one that counts",
      { connectionString: `${URL}?password=`, password: "hunter2" },
      [],
    ],
    [
      "a CA beside an empty ssl",
      { connectionString: `${URL}?ssl=`, ssl: { ca: "…" } },
      [["ssl", "connectionString?ssl"]],
    ],
    ["no TLS beside an empty ssl", { connectionString: `${URL}?ssl=`, ssl: false }, []],
    [
      "a CA beside direct TLS",
      { connectionString: `${URL}?sslnegotiation=direct`, ssl: { ca: "…" } },
      [["ssl", "connectionString?sslnegotiation"]],
    ],
    ["TLS and direct TLS", { connectionString: `${URL}?sslnegotiation=direct`, ssl: true }, []],
    [
      "a CA and a negotiation that decides nothing",
      { connectionString: `${URL}?sslnegotiation=postgres`, ssl: { ca: "…" } },
      [],
    ],
    ...["statement_timeout", "lock_timeout", "query_timeout"].map(
      (name) =>
        [
          `another ${name}`,
          { connectionString: `${URL}?${name}=0`, [name]: 5_000 },
          [[name, `connectionString?${name}`]],
        ] as const,
    ),
    [
      "an empty time-out in the URL",
      { connectionString: `${URL}?statement_timeout=`, statement_timeout: 5_000 },
      [["statement_timeout", "connectionString?statement_timeout"]],
    ],
    [
      "other options",
      { connectionString: `${URL}?options=-c%20jit%3Doff`, options: "-c jit=on" },
      [["options", "connectionString?options"]],
    ],
    [
      "the same time-out twice",
      { connectionString: `${URL}?statement_timeout=5000`, statement_timeout: 5_000 },
      [],
    ],
    [
      "another name, which is the policy's in any case",
      { connectionString: `${URL}?application_name=a`, application_name: "b" },
      [],
    ],
  ];
  for (const [says, config, found] of table) {
    test(`${says}: ${found.length === 0 ? "nothing" : found.map(([path]) => path).join(", ")}`, () => {
      expect(contradictionsOf(config)).toEqual(found);
    });
  }

  const BARE = "postgresql:///";
  test.each<[string, Record<string, unknown>, Environment, readonly string[]]>([
    ["postgresql://u@h/db", { port: 5432 }, {}, []],
    ["postgresql://u@h/db", { port: "5432" }, {}, []],
    ["postgresql://u@h/db", { port: 6432 }, { PGPORT: "6432" }, []],
    ["postgresql://u@h/db", { port: 5432 }, { PGPORT: "6432" }, ["port"]],
    [BARE, { host: "localhost" }, {}, []],
    [BARE, { host: "h" }, { PGHOST: "h" }, []],
    [BARE, { host: "localhost" }, { PGHOST: "h" }, ["host"]],
    [BARE, { user: "u", database: "u" }, { PGUSER: "u" }, []],
    [BARE, { database: "db" }, { PGDATABASE: "db" }, []],
    [BARE, { database: "u" }, { PGUSER: "u", PGDATABASE: "db" }, ["database"]],
    [BARE, { password: "hunter2" }, { PGPASSWORD: "hunter2" }, []],
    [BARE, { password: "hunter2" }, { PGPASSWORD: "hunter3" }, ["password"]],
    [BARE, { password: () => "hunter2" }, { PGPASSWORD: "hunter2" }, ["password"]],
  ])("%s beside %o with %o: %o", (connectionString, option, environment, found) => {
    const config = { connectionString, ...option };

    expect(contradictionsOf(config, environment).map(([path]) => path)).toEqual(found);
  });

  test.each([
    ["port", "postgresql://u@h/db", { port: 5432 }, {}],
    ["port", "postgresql://u@h/db", { port: 6432 }, { PGPORT: "6432" }],
    ["host", BARE, { host: "localhost" }, {}],
    ["database", BARE, { database: "u" }, { PGUSER: "u" }],
  ])("%s as pg finds it without the option is the same to pg", (_, url, option, environment) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const config = { connectionString: url };

    expect(connectsTo({ ...config, ...option })).toEqual(connectsTo(config));
    expect(connectsTo(config)).toContain(Object.values(option)[0]);
  });

  test.each([
    ["host", { host: "i" }],
    ["port", { port: 5432 }],
    ["user", { user: "v" }],
    ["ssl", { ssl: { ca: "…" } }],
  ])("%s beside a URL: pg does nothing with it", (_, option) => {
    const connectionString = `${URL}?sslmode=no-verify`;

    expect(connectsTo({ connectionString, ...option })).toEqual(connectsTo({ connectionString }));
  });

  test.each<[Mode, boolean]>([
    ["enforce", true],
    ["observe", false],
    ["bypass", false],
  ])("in %s the config is refused: %s", (mode, isRefused) => {
    const config = { connectionString: URL, password: "hunter3", port: 5432 };

    const outcome = attempt(() => applyToPoolConfig(config, laneOf({ mode })));

    expect(isPolicyError(outcome) && outcome.code === "options/refused").toBe(isRefused);
    expect(inspect(outcome instanceof Error ? outcome : "")).not.toMatch(/hunter/);
  });

  test("are left alone where an exception is written down", () => {
    const allow: Policy["allow"] = [
      { rule: "settings/no-contradiction", match: "port", reason: "one more day" },
    ];

    const { config } = applyToPoolConfig({ connectionString: URL, port: 1 }, laneOf({ allow }));

    expect(config).toMatchObject({ connectionString: URL, port: 1 });
  });
});

describe("a direct lane that leads to the pooled place", () => {
  const POOLED = "postgresql://u@h:6432/db";
  const targets = (direct: string): NonNullable<Policy["targets"]> => ({
    main: { pooler: { kind: "pgbouncer" }, pooled: POOLED, direct },
  });
  const table: readonly (readonly [
    says: string,
    direct: string,
    config: Record<string, unknown>,
    path: string | undefined,
  ])[] = [
    ["by the policy", POOLED, { connectionString: POOLED }, "targets.main.direct"],
    ["by the policy, and not by the config", POOLED, { host: "h", database: "db" }, undefined],
    [
      "by the config",
      "postgresql://u@h/db",
      { connectionString: "postgresql://v@H:6432/db" },
      "connectionString",
    ],
    ["by fields", "postgresql://u@h/db", { host: "h", port: 6432, database: "db" }, "host"],
    [
      "by none of both",
      "postgresql://u@h/db",
      { connectionString: "postgresql://u@h/db" },
      undefined,
    ],
    [
      "by a path, which it is not",
      "postgresql://u@h/db",
      { connectionString: "/run db" },
      undefined,
    ],
  ];
  for (const [says, direct, config, path] of table) {
    test(`${says}: ${path ?? "nothing"}`, () => {
      const lane = laneOf({ targets: targets(direct) }, { lane: "direct" });

      const outcome = attempt(() => applyToPoolConfig(config, lane));

      expect(outcome).toMatchObject(
        path === undefined ? { config } : { code: "options/refused", path },
      );
    });
  }

  test("is left alone where an exception is written down", () => {
    const allow = [
      {
        rule: "settings/no-contradiction",
        match: "targets.main.direct",
        reason: "the user of migrations has pool_mode = session",
      },
    ];
    const lane = laneOf({ allow, targets: targets(POOLED) }, { lane: "direct" });

    expect(() => applyToPoolConfig({ connectionString: POOLED }, lane)).not.toThrow();
  });
});

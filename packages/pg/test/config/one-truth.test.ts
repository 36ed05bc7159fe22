import { Socket } from "node:net";
import { inspect } from "node:util";

import { isPolicyError, type Mode, type Policy } from "@doorpolicy/core";
import pg from "pg";
import { afterEach, describe, expect, test, vi } from "vitest";

import {
  applyToPoolConfig,
  describePoolConfig,
  type PoolConfigInput,
} from "../../src/config/index.ts";
import { guardPg } from "../../src/index.ts";
import { laneOf, policyOf } from "./policies.ts";

const URL = "postgresql://u:hunter2@h:6432/db";

afterEach(() => vi.unstubAllEnvs());

function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

function contradictionsOf(config: PoolConfigInput): readonly (readonly [string, string])[] {
  const { contradictions = [] } = describePoolConfig(config, {
    client: "pg",
    target: "main",
    lane: "pooled",
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
  ];
  for (const [says, config, found] of table) {
    test(`${says}: ${found.length === 0 ? "nothing" : found.map(([path]) => path).join(", ")}`, () => {
      expect(contradictionsOf(config)).toEqual(found);
    });
  }

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

describe("a TLS mode", () => {
  const VERIFY = `${URL}?sslmode=verify-full`;
  const table: readonly (readonly [
    query: string,
    standing: string | undefined,
    outcome: string,
  ])[] = [
    ["", undefined, URL],
    ["?sslmode=disable", "explicit", `${URL}?sslmode=disable`],
    ["?sslmode=no-verify", "explicit", `${URL}?sslmode=no-verify`],
    ["?sslmode=verify-full", "explicit", VERIFY],
    ["?sslmode=require", "ambiguous", VERIFY],
    ["?sslmode=prefer", "ambiguous", VERIFY],
    ["?sslmode=verify-ca", "ambiguous", VERIFY],
    ["?sslmode=allow", "unknown", "options/refused"],
    ["?sslmode=Require", "unknown", "options/refused"],
    [
      "?sslmode=require&uselibpqcompat=true",
      "explicit",
      `${URL}?sslmode=require&uselibpqcompat=true`,
    ],
    ["?sslmode=no-verify&uselibpqcompat=true", "unknown", "options/refused"],
    ["?ssl=true", undefined, `${URL}?ssl=true`],
    ["?ssl=0", undefined, `${URL}?ssl=0`],
    ["?ssl=false", "unknown", "options/refused"],
  ];
  for (const [query, standing, outcome] of table) {
    test(`${query || "none"} is ${standing ?? "nobody's word"}: ${outcome === "options/refused" ? outcome : outcome.slice(URL.length)}`, () => {
      const config = { connectionString: `${URL}${query}` };

      const { tlsMode } = describePoolConfig(config, {
        client: "pg",
        target: "main",
        lane: "pooled",
      });
      const applied = attempt(() => applyToPoolConfig(config, laneOf()).config["connectionString"]);

      expect(tlsMode?.value.standing).toBe(standing);
      expect(isPolicyError(applied) ? applied.code : applied).toBe(outcome);
    });
  }

  test.each([
    ["require", { ssl: true }],
    ["verify-full", {}],
    ["disable", {}],
    ["allow", { code: "options/refused" }],
    ["requre", { code: "options/refused" }],
  ])("%s in PGSSLMODE", (PGSSLMODE, expected) => {
    const applied = attempt(
      () =>
        applyToPoolConfig({ connectionString: URL }, laneOf(), { environment: { PGSSLMODE } })
          .config,
    );

    expect(applied).toMatchObject(expected);
  });

  test.each([
    ["require", "verify-full"],
    ["no-verify", "no-verify"],
    ["allow", "off"],
  ])("%s in PGSSLMODE does %s", (PGSSLMODE, does) => {
    const { tlsMode } = describePoolConfig(URL, {
      client: "pg",
      target: "main",
      lane: "pooled",
      environment: { PGSSLMODE },
    });

    expect(tlsMode).toMatchObject({ path: "env PGSSLMODE", value: { does } });
  });

  test("is said where it was written out, and left alone in observe", () => {
    const config = { connectionString: `${URL}?sslmode=require` };

    const { changes } = applyToPoolConfig(config, laneOf());
    const observed = applyToPoolConfig(config, laneOf({ mode: "observe" })).config;

    expect(changes).toContainEqual({
      path: "connectionString?sslmode",
      from: "require",
      to: "verify-full",
      kind: "overridden",
      why: expect.stringContaining("pg 8"),
    });
    expect(observed).toMatchObject(config);
  });

  // The table of `tlsModeOf`, held against pg: `pg.Client.ssl` is what it would connect with.
  test.each([
    ["sslmode=disable", false],
    ["sslmode=prefer", {}],
    ["sslmode=require", {}],
    ["sslmode=verify-ca", {}],
    ["sslmode=verify-full", {}],
    ["sslmode=allow", {}],
    ["sslmode=no-verify", { rejectUnauthorized: false }],
    ["sslmode=require&uselibpqcompat=true", { rejectUnauthorized: false }],
    ["sslmode=no-verify&uselibpqcompat=true", {}],
    ["ssl=false", "false"],
  ])("%s is to pg what the table says", (query, ssl) => {
    vi.spyOn(process, "emitWarning").mockReturnValue();

    expect(connectsTo({ connectionString: `${URL}?${query}` }).at(-1)).toEqual(ssl);
  });

  test.each([
    ["require", true],
    ["allow", false],
  ])("%s in PGSSLMODE is to pg what the table says", (mode, ssl) => {
    vi.stubEnv("PGSSLMODE", mode);

    expect(connectsTo({ connectionString: URL }).at(-1)).toBe(ssl);
  });
});

/** A socket that asks no resolver and reaches nobody. */
function brokenSocket(): Socket {
  const socket = new Socket();
  socket.connect = () => socket.destroy(new Error("no network here"));
  return socket;
}

function guarded(policy: Policy = {}): { client: typeof pg.Client; seen: string[] } {
  const seen: string[] = [];
  const onViolation: Policy["onViolation"] = ({ rule, action }) => seen.push(`${rule} ${action}`);
  return { client: guardPg(pg, policyOf({ ...policy, onViolation })).Client, seen };
}

describe("a client of one's own", () => {
  test("that contradicts itself is refused before a socket is opened", async () => {
    const { client: Client } = guarded();
    // Nobody listens there: a socket would fail with ECONNREFUSED.
    const client = new Client({
      connectionString: "postgresql://u:hunter2@127.0.0.1:1/db",
      port: 2,
    });

    const error = await client.connect().then(
      () => undefined,
      (refusal: unknown) => refusal,
    );

    expect(error).toMatchObject({ code: "options/refused", path: "port" });
    expect(inspect(error)).not.toContain("hunter2");
  });

  test("is told once in observe, and connects", async () => {
    const { client: Client, seen } = guarded({ mode: "observe" });
    for (let round = 0; round < 2; round++) {
      const client = new Client({ connectionString: "postgresql://u@127.0.0.1:1/db", port: 2 });

      await expect(client.connect()).rejects.toMatchObject({ code: "ECONNREFUSED" });
    }

    expect(seen.filter((one) => one.startsWith("settings/"))).toEqual([
      "settings/no-contradiction would-have",
    ]);
  });

  test.each(["enforce", "observe", "bypass"] as const)(
    "with a byte in its password that is no text has an error that says so, in %s",
    (mode) => {
      const { client: Client } = guarded({ mode });

      const error = attempt(() => new Client("postgresql://u:hunter2%ff@h/db"));

      expect(error).toMatchObject({ code: "url/unsupported" });
      expect(inspect(error)).not.toContain("hunter2");
    },
  );

  test("at the address of another pooler is told so once", async () => {
    const { client: Client, seen } = guarded();
    const config = { host: "x.pooler.supabase.com", port: 6543, user: "u" };
    for (let round = 0; round < 2; round++) {
      const client = new Client({ ...config, stream: brokenSocket });
      await expect(client.connect()).rejects.toThrow("no network here");
    }

    expect(seen).toEqual(["pooler/differs reported"]);
  });
});

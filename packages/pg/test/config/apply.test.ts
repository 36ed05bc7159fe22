import { inspect } from "node:util";

import {
  type ConnectionPolicy,
  isPolicyError,
  type LaneChoice,
  laneInUse,
  type Policy,
} from "@doorpolicy/core";
import { adapterLaws } from "@doorpolicy/core/testing";
import { describe, expect, test } from "vitest";

import {
  applyToPoolConfig,
  changeText,
  describePoolConfig,
  handedLimits,
  type PoolConfigInput,
} from "../../src/config/index.ts";
import { behindPgBouncer, laneOf, NAME, policyOf } from "./policies.ts";

const URL = "postgresql://u:secret@h:6432/db";
const password = (): string => "secret";

const pool = (more: ConnectionPolicy = {}): Policy => ({
  connections: { reuse: "pool", ...more },
});

describe("the laws of adapters, for pool configs", () => {
  const laws = adapterLaws<PoolConfigInput>({
    describe: (config, policy) =>
      describePoolConfig(config, {
        client: "pg",
        target: laneInUse(policy).target.name,
        lane: "pooled",
      }),
    apply: (config, policy) => applyToPoolConfig(config, laneInUse(policy)).config,
    examples: {
      nothing: {},
      "a URL as text": URL,
      "a name in the URL": { connectionString: `${URL}?application_name=other` },
      "a TLS mode that the next pg reads otherwise": { connectionString: `${URL}?sslmode=require` },
      "a pool that keeps connections": {
        max: 100,
        idleTimeoutMillis: 0,
        connectionTimeoutMillis: 0,
      },
      "a pool of its own size": { max: 3, connectionTimeoutMillis: 100 },
      "limits everywhere": {
        connectionString: `${URL}?statement_timeout=1000&sslmode=no-verify`,
        lock_timeout: 10,
        options: "-c idle_in_transaction_session_timeout=5s",
        query_timeout: 900,
      },
      "Prisma's parameters": `${URL}?pgbouncer=true&connection_limit=1&schema=a#fragment`,
      "a Unix socket": "/run/postgresql app",
    },
    policies: {
      "PgBouncer 1.18": policyOf(),
      "PgBouncer 1.24": policyOf(behindPgBouncer("1.24")),
      "no pooler": policyOf({ targets: { main: { pooler: { kind: "none" } } } }),
      "a pool in the client": policyOf({ connections: { reuse: "pool" } }),
      "everything enforced": policyOf({ extends: "strict" }),
      observe: policyOf({ mode: "observe" }),
      bypass: policyOf({ mode: "bypass" }),
    },
  });

  test.each(laws)("$title", (law) => law.run());
});

describe("applyToPoolConfig", () => {
  test("takes the name out of the URL's text and leaves every other byte of it", () => {
    const config = { connectionString: `${URL}?a=%2f&application_name=x&sslmode=no-verify#f` };

    const applied = applyToPoolConfig(config, laneOf());

    expect(applied.config).toMatchObject({
      connectionString: `${URL}?a=%2f&sslmode=no-verify#f`,
      application_name: NAME,
    });
  });

  test.each<{ title: string; config: object; policy?: Policy; kept: object }>([
    { title: "a smaller pool", config: { max: 3 }, kept: { max: 3 } },
    { title: "a smaller pool, as poolSize", config: { poolSize: 3 }, kept: { poolSize: 3 } },
    { title: "a larger pool", config: { max: 30 }, kept: { max: 20 } },
    { title: "max: 0", config: { max: 0 }, kept: { max: 20 } },
    {
      title: "a longer wait",
      config: { connectionTimeoutMillis: 9_000 },
      kept: { connectionTimeoutMillis: 9_000 },
    },
    {
      title: "an endless wait",
      config: { connectionTimeoutMillis: 0 },
      kept: { connectionTimeoutMillis: 1_500 },
    },
    {
      title: "a wait that no timer can hold",
      config: { connectionTimeoutMillis: Infinity },
      kept: { connectionTimeoutMillis: 1_500 },
    },
    {
      title: "an enforced cap",
      config: { max: 3 },
      policy: { enforced: ["connections.maxPerProcess"] },
      kept: { max: 20 },
    },
    {
      title: "an enforced wait",
      config: { connectionTimeoutMillis: 9_000 },
      policy: { enforced: ["connections"] },
      kept: { connectionTimeoutMillis: 1_500 },
    },
    {
      title: "a pool in the client",
      config: {},
      policy: { connections: { reuse: "pool" } },
      kept: { idleTimeoutMillis: 5_000 },
    },
    {
      title: "a pool in the client with an idle time of its own",
      config: { idleTimeoutMillis: 0 },
      policy: { connections: { reuse: "pool" } },
      kept: { idleTimeoutMillis: 0 },
    },
    { title: "a wish to keep connections", config: { maxUses: 7_500 }, kept: { maxUses: 1 } },
    {
      title: "a wish to keep connections, in bypass",
      config: { maxUses: 7_500, max: 30 },
      policy: { mode: "bypass" },
      kept: { maxUses: 7_500, max: 20, application_name: NAME },
    },
  ])("$title becomes $kept", ({ config, policy = {}, kept }) => {
    const applied = applyToPoolConfig(config, laneOf(policy));

    expect(applied.config).toMatchObject(kept);
  });

  describe("how connections are kept", () => {
    const enforced = ["connections"];
    const all = { idleTimeoutMillis: 9_000, min: 2, maxLifetimeSeconds: 7, maxUses: 50 };

    test.each<{
      title: string;
      config?: object;
      policy?: Policy;
      choice?: LaneChoice;
      kept: Readonly<Record<string, unknown>>;
    }>([
      { title: "none kept", kept: { maxUses: 1, maxLifetimeSeconds: 60 } },
      {
        title: "none kept, whatever the service says of those that are",
        config: all,
        kept: { maxUses: 1, maxLifetimeSeconds: 7 },
      },
      {
        title: "none kept, all enforced",
        config: all,
        policy: { enforced },
        kept: { maxUses: 1, maxLifetimeSeconds: 60 },
      },
      { title: "kept", policy: pool(), kept: { idleTimeoutMillis: 5_000, maxLifetimeSeconds: 60 } },
      {
        title: "kept, and some of them for ever",
        policy: pool({ minPerProcess: 3 }),
        kept: { idleTimeoutMillis: 5_000, maxLifetimeSeconds: 60, min: 3 },
      },
      {
        title: "kept, and no more for ever than this pool may have",
        config: { max: 2 },
        policy: pool({ minPerProcess: 3 }),
        kept: { idleTimeoutMillis: 5_000, maxLifetimeSeconds: 60, min: 2 },
      },
      {
        title: "kept, as the service says",
        config: all,
        policy: pool({ minPerProcess: 3 }),
        kept: all,
      },
      {
        title: "kept, all enforced",
        config: all,
        policy: { ...pool({ minPerProcess: 3 }), enforced },
        kept: { idleTimeoutMillis: 5_000, maxLifetimeSeconds: 60, min: 3 },
      },
      {
        title: "kept for ever, as the service says",
        config: { idleTimeoutMillis: 0, maxLifetimeSeconds: 0 },
        policy: pool(),
        kept: { idleTimeoutMillis: 0, maxLifetimeSeconds: 0 },
      },
      {
        title: "of any age",
        policy: pool({ maxLifetimeMs: 0 }),
        kept: { idleTimeoutMillis: 5_000 },
      },
      {
        title: "of any age, enforced",
        config: { maxLifetimeSeconds: 7 },
        policy: { ...pool({ maxLifetimeMs: 0 }), enforced: ["connections.maxLifetimeMs"] },
        kept: { idleTimeoutMillis: 5_000, maxLifetimeSeconds: 0 },
      },
      {
        title: "a part of a second old",
        policy: { connections: { maxLifetimeMs: 1_500, idleTimeoutMs: 900 } },
        kept: { maxUses: 1, maxLifetimeSeconds: 1.5 },
      },
      {
        title: "on the direct lane, where each one costs Postgres a fork",
        choice: { lane: "direct" },
        kept: { idleTimeoutMillis: 5_000, maxLifetimeSeconds: 60 },
      },
      {
        title: "without a pooler",
        policy: { targets: { main: { pooler: { kind: "none" } } } },
        kept: { idleTimeoutMillis: 5_000, maxLifetimeSeconds: 60 },
      },
      {
        title: "in bypass, as the service says",
        config: all,
        policy: { mode: "bypass" },
        kept: all,
      },
    ])("$title: $kept", ({ config = {}, policy = {}, choice = {}, kept }) => {
      const applied = applyToPoolConfig(config, laneOf(policy, choice));

      expect(keepingIn(applied.config)).toEqual(kept);
    });

    test("says what a service wrote of connections that nobody keeps", () => {
      const { changes } = applyToPoolConfig({ idleTimeoutMillis: 9_000, min: 2 }, laneOf());

      expect(changes.map(changeText)).toEqual(
        expect.arrayContaining([
          "`idleTimeoutMillis` 9000 is dropped: a connection that nobody uses is closed; the pooler does the pooling.",
          "`min` 2 is dropped: a connection that nobody uses is closed; the pooler does the pooling.",
        ]),
      );
    });
  });

  test("hands limits from options, URL and command line to the guarded driver", () => {
    const config = {
      connectionString: `${URL}?statement_timeout=1000`,
      lock_timeout: 10,
      options: "-c idle_in_transaction_session_timeout=5s",
    };

    const applied = applyToPoolConfig(config, laneOf());

    expect(handedLimits(applied.config)).toEqual({
      statementTimeoutMs: 1_000,
      lockTimeoutMs: 10,
      serverIdleTimeoutMs: 5_000,
    });
    expect(applied.config).not.toHaveProperty("lock_timeout");
    expect(applied.config).not.toHaveProperty("options");
    expect(applied.config["connectionString"]).toBe(URL);
  });

  test("keeps the policy's own limit where the policy enforces it", () => {
    const lane = laneOf({ enforced: ["transaction.statementTimeoutMs"] });

    const applied = applyToPoolConfig({ statement_timeout: 9_000, lock_timeout: 10 }, lane);

    expect(handedLimits(applied.config)).toEqual({ lockTimeoutMs: 10 });
  });

  test("replaces a query_timeout by the server's limit, the shorter one of two", () => {
    const applied = applyToPoolConfig({ query_timeout: 900, statement_timeout: 5_000 }, laneOf());
    const shorter = applyToPoolConfig({ query_timeout: 900, statement_timeout: 300 }, laneOf());
    const direct = applyToPoolConfig({ query_timeout: 900 }, laneOf({}, { lane: "direct" }));

    expect(handedLimits(applied.config)).toEqual({ statementTimeoutMs: 900 });
    expect(handedLimits(shorter.config)).toEqual({ statementTimeoutMs: 300 });
    expect(direct.config).toMatchObject({ statement_timeout: 900 });
    expect(direct.config).not.toHaveProperty("query_timeout");
  });

  test("leaves startup parameters alone on the direct lane", () => {
    const config = { statement_timeout: 5_000, options: "-c search_path=a" };

    const applied = applyToPoolConfig(config, laneOf({}, { lane: "direct" }));

    expect(applied.config).toMatchObject(config);
  });

  test("leaves startup parameters alone in observe", () => {
    const config = { statement_timeout: 5_000, options: "-c search_path=a", query_timeout: 1 };

    const applied = applyToPoolConfig(config, laneOf({ mode: "observe" }));

    expect(applied.config).toMatchObject(config);
  });

  test("drops limits in bypass, where the pooler would refuse every connection", () => {
    const applied = applyToPoolConfig({ statement_timeout: 5_000 }, laneOf({ mode: "bypass" }));

    expect(applied.config).not.toHaveProperty("statement_timeout");
    expect(handedLimits(applied.config)).toEqual({});
  });

  test("keeps of options what the pooler follows", () => {
    const config = { options: "-c statement_timeout=5s -c TimeZone=UTC" };

    const applied = applyToPoolConfig(config, laneOf(behindPgBouncer("1.24")));

    expect(applied.config).toMatchObject({ options: "-c timezone=UTC" });
    expect(handedLimits(applied.config)).toEqual({ statementTimeoutMs: 5_000 });
  });

  test("keeps a parameter that a written exception allows", () => {
    const config = { options: "-c search_path=a" };
    const allow = [
      { rule: "startup/no-unsupported-parameters", match: "options", reason: "ignored on purpose" },
    ];

    const applied = applyToPoolConfig(config, laneOf({ allow }));

    expect(applied.config).toMatchObject(config);
  });

  test.each<{ title: string; config: object; environment?: Record<string, string>; path: string }>([
    { title: "search_path", config: { options: "-c search_path=tenant" }, path: "options" },
    { title: "a switch", config: { options: "-B 100" }, path: "options" },
    {
      title: "in the URL",
      config: { connectionString: `${URL}?options=-c%20role%3Dadmin` },
      path: "connectionString?options",
    },
    {
      title: "in the environment",
      config: {},
      environment: { PGOPTIONS: "-c role=admin" },
      path: "env PGOPTIONS",
    },
    {
      title: "in the environment, behind options that are translated",
      config: { options: "-c lock_timeout=1" },
      environment: { PGOPTIONS: "-c role=admin" },
      path: "env PGOPTIONS",
    },
    { title: "replication", config: { replication: "database" }, path: "replication" },
    {
      title: "replication in the environment",
      config: {},
      environment: { PGREPLICATION: "database" },
      path: "env PGREPLICATION",
    },
    {
      title: "a limit that is no number",
      config: { statement_timeout: "soon" },
      path: "statement_timeout",
    },
  ])("refuses what changes results or rights: $title", ({ config, environment = {}, path }) => {
    const error = errorOf(() => applyToPoolConfig(config, laneOf(), { environment }));

    expect(error).toMatchObject({ code: "startup/refused", path });
    expect(inspect(error)).not.toContain("secret");
  });

  test("keeps a password that pg has hidden, and a password function", () => {
    const hidden = Object.defineProperty({ host: "h" }, "password", {
      value: "secret",
      enumerable: false,
    });

    const ofHidden = applyToPoolConfig(hidden, laneOf());
    const ofFunction = applyToPoolConfig({ password }, laneOf());

    expect(ofHidden.config["password"]).toBe("secret");
    expect(inspect(ofHidden)).not.toContain("secret");
    expect(ofFunction.config["password"]).toBe(password);
  });

  test("passes unknown keys through, and takes a frozen config", () => {
    const ssl = { ca: "…" };
    const config = Object.freeze({ ssl, keepAlive: true, max: 50, statement_timeout: 5 });

    const applied = applyToPoolConfig(config, laneOf());

    expect(applied.config["ssl"]).toBe(ssl);
    expect(applied.config).toMatchObject({ keepAlive: true, max: 20 });
    expect(Reflect.set(applied.config, "keepAlive", false)).toBe(true);
  });

  test("accounts for everything that it changes, without a secret", () => {
    const config = {
      connectionString: `${URL}?application_name=x&statement_timeout=5&sslpassword=secret&options=-c%20lock_timeout%3D1`,
      max: 50,
    };

    const { changes } = applyToPoolConfig(config, laneOf());

    expect(changes.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      "dropped connectionString?application_name",
      "set application_name",
      "overridden max",
      "set connectionTimeoutMillis",
      "set maxUses",
      "set maxLifetimeSeconds",
      "dropped connectionString?statement_timeout",
      "dropped connectionString?options",
      "dropped connectionString?sslpassword",
    ]);
    expect(inspect(changes)).not.toContain("secret");
    expect(changes.map(changeText)).toContain(
      "`max` 50 becomes 20: the policy gives this process 20 connections.",
    );
  });
});

const KEEPING = ["maxUses", "idleTimeoutMillis", "min", "maxLifetimeSeconds"];

function keepingIn(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => KEEPING.includes(key)));
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (isPolicyError(error)) return error;
    throw error;
  }
  return undefined;
}

import { inspect } from "node:util";

import { check, type ClientFacts, type Policy, type PoolerPolicy } from "@doorpolicy/core";
import { describe, expect, test } from "vitest";

import { datasourceUrl, describeDatasourceUrl, describeEngineUrl } from "../src/index.ts";
import { policyOf } from "./policies.ts";

const pooled = "postgresql://u:s%40cret@pooler:6432/db";
const direct = "postgresql://u:s%40cret@postgres:5432/db";

const NAME = "application_name=billing:deploy%40web-1";
const CLOSED = "max_idle_connection_lifetime=1&max_connection_lifetime=60";
const LIMITS = `connection_limit=10&pool_timeout=5&${CLOSED}`;

describe("datasourceUrl, for the native engine on the pooled lane", () => {
  test.each<{
    title: string;
    given: string;
    pooler?: Partial<PoolerPolicy>;
    policy?: Policy;
    query: string;
  }>([
    { title: "nothing given", given: "", query: `?${NAME}&pgbouncer=true&${LIMITS}` },
    {
      title: "its text is kept",
      given: "?sslmode=disable&a=%2f#f",
      query: `?sslmode=disable&a=%2f&${NAME}&pgbouncer=true&${LIMITS}#f`,
    },
    {
      title: "a TLS mode of other clients, in the engine's words",
      given: "?sslmode=verify-full",
      query: `?sslmode=require&sslaccept=strict&${NAME}&pgbouncer=true&${LIMITS}`,
    },
    {
      title: "a TLS mode of other clients that verifies nothing",
      given: "?sslmode=no-verify",
      query: `?sslmode=require&sslaccept=accept_invalid_certs&${NAME}&pgbouncer=true&${LIMITS}`,
    },
    {
      title: "`require` alone, written out as what it does",
      given: "?sslmode=require",
      query: `?sslmode=require&sslaccept=accept_invalid_certs&${NAME}&pgbouncer=true&${LIMITS}`,
    },
    {
      title: "`require` that says what it does",
      given: "?sslmode=require&sslaccept=strict",
      query: `?sslmode=require&sslaccept=strict&${NAME}&pgbouncer=true&${LIMITS}`,
    },
    {
      title: "a TLS mode, in observe",
      given: "?sslmode=verify-full",
      policy: { mode: "observe" },
      query: `?sslmode=verify-full&${NAME}&pgbouncer=true&${LIMITS}`,
    },
    {
      title: "settings of the service within the policy",
      given: "?connection_limit=3&pool_timeout=20&schema=public",
      query: `?connection_limit=3&pool_timeout=20&${NAME}&pgbouncer=true&${CLOSED}`,
    },
    {
      title: "settings of the service beyond the policy",
      given:
        "?connection_limit=30&pool_timeout=0&max_idle_connection_lifetime=300&application_name=x",
      query: `?${NAME}&pgbouncer=true&${LIMITS}`,
    },
    {
      title: "settings of the service that the policy enforces",
      given: "?connection_limit=3&pool_timeout=20",
      policy: { enforced: ["connections"] },
      query: `?${NAME}&pgbouncer=true&${LIMITS}`,
    },
    {
      title: "a pooler that tracks named statements",
      given: "?pgbouncer=true",
      pooler: { version: "1.24" },
      query: `?${NAME}&${LIMITS}`,
    },
    {
      title: "a pooler told not to track them",
      given: "",
      pooler: { version: "1.24", settings: { maxPreparedStatements: 0 } },
      query: `?${NAME}&pgbouncer=true&${LIMITS}`,
    },
    {
      title: "a pooler in session mode",
      given: "?pgbouncer=true&schema=tenant",
      pooler: { mode: "session" },
      query: `?schema=tenant&${NAME}&${LIMITS}`,
    },
    {
      title: "a pool in the client",
      given: "?max_idle_connection_lifetime=60",
      policy: { connections: { reuse: "pool" } },
      query: `?max_idle_connection_lifetime=60&${NAME}&pgbouncer=true&connection_limit=10&pool_timeout=5&max_connection_lifetime=60`,
    },
    {
      title: "a pool in the client, as the policy says",
      given: "",
      policy: { connections: { reuse: "pool", idleTimeoutMs: 2_500, maxLifetimeMs: 30_500 } },
      query: `?${NAME}&pgbouncer=true&connection_limit=10&pool_timeout=5&max_idle_connection_lifetime=3&max_connection_lifetime=31`,
    },
    {
      title: "a pool in the client, enforced",
      given: "?max_idle_connection_lifetime=60&max_connection_lifetime=0",
      policy: { connections: { reuse: "pool" }, enforced: ["connections"] },
      query: `?${NAME}&pgbouncer=true&connection_limit=10&pool_timeout=5&max_idle_connection_lifetime=5&max_connection_lifetime=60`,
    },
    {
      title: "connections of any age, as the service says",
      given: "?max_connection_lifetime=0",
      query: `?max_connection_lifetime=0&${NAME}&pgbouncer=true&connection_limit=10&pool_timeout=5&max_idle_connection_lifetime=1`,
    },
    {
      title: "connections of any age, as the policy says",
      given: "",
      policy: { connections: { maxLifetimeMs: 0 } },
      query: `?${NAME}&pgbouncer=true&connection_limit=10&pool_timeout=5&max_idle_connection_lifetime=1`,
    },
    {
      title: "no pooler",
      given: "?pgbouncer=true",
      pooler: { kind: "none" },
      query: `?${NAME}`,
    },
    {
      title: "observe, where nothing is refused",
      given: "?options=-c%20role%3Da",
      policy: { mode: "observe" },
      query: `?options=-c%20role%3Da&${NAME}&pgbouncer=true&${LIMITS}`,
    },
  ])("$title", ({ given, pooler, policy = {}, query }) => {
    const url = datasourceUrl(policyWith({ pooled: pooled + given }, pooler, policy));

    expect(url).toBe(pooled + query);
    expect(datasourceUrl(policyWith({ pooled: url }, pooler, policy))).toBe(url);
  });

  test("refuses a TLS mode that nobody knows, which the engine takes for `prefer`", () => {
    const policy = policyWith({ pooled: `${pooled}?sslmode=requre` });

    expect(() => datasourceUrl(policy)).toThrow(
      expect.objectContaining({
        code: "options/refused",
        message: expect.stringContaining("`sslmode=requre` is no mode") as unknown,
      }),
    );
  });

  test.each([
    ["options", "?options=-c%20statement_timeout%3D5s"],
    ["schema", "?schema=tenant"],
  ])("refuses `%s`, which the pooler would refuse or give to others", (parameter, given) => {
    const run = (): unknown => datasourceUrl(policyWith({ pooled: pooled + given }));

    expect(run).toThrow(expect.objectContaining({ code: "startup/refused" }));
    expect(run).toThrow(
      expect.objectContaining({ path: expect.stringContaining(`?${parameter}`) as unknown }),
    );
  });
});

describe("datasourceUrl, for Prisma's CLI on the direct lane", () => {
  const choice = { lane: "direct" } as const;

  test("has the name, and no mode for a pooler that is not there", () => {
    const url = datasourceUrl(
      policyWith({ pooled, direct: `${direct}?pgbouncer=true&schema=a` }),
      choice,
    );

    expect(url).toBe(`${direct}?schema=a&${NAME}`);
  });

  test.each([
    ["there is none", { pooled }],
    ["it is the pooled one", { pooled, direct: `${pooled}?sslmode=require` }],
  ])("is refused when %s", (_title, urls) => {
    const run = (): unknown => datasourceUrl(policyWith(urls), choice);

    expect(run).toThrow(
      expect.objectContaining({ code: "policy/missing-url", path: "targets.main.direct" }),
    );
    expect(run).toThrow("session lock");
  });

  test("may be the same as the other lane where there is no pooler", () => {
    const url = datasourceUrl(policyWith({ pooled, direct: pooled }, { kind: "none" }), choice);

    expect(url).toBe(`${pooled}?${NAME}`);
  });
});

describe("describeEngineUrl", () => {
  test.each<{ title: string; query: string; facts: Partial<ClientFacts> }>([
    {
      title: "nothing given",
      query: "",
      facts: {
        coverage: "configured",
        applicationName: { value: undefined, path: "default of prisma" },
        poolMax: { value: Infinity, path: "default of prisma" },
        acquireTimeoutMs: { value: 10_000, path: "default of prisma" },
        usesPerConnection: { value: Infinity, path: "default of prisma" },
        namedStatements: { value: true, path: "default of prisma" },
        startupParameters: [],
        abandonQueryAfterMs: undefined,
        ignoredSettings: [],
      },
    },
    {
      title: "everything given",
      query:
        "?application_name=a&connection_limit=3&pool_timeout=0&statement_cache_size=0&schema=a&socket_timeout=2&options=-c%20x.y%3Dsecret",
      facts: {
        applicationName: { value: "a", path: "url?application_name" },
        poolMax: { value: 3, path: "url?connection_limit" },
        acquireTimeoutMs: { value: Infinity, path: "url?pool_timeout" },
        namedStatements: { value: false, path: "url?statement_cache_size" },
        startupParameters: [
          { value: { name: "options", value: "-c x.y=…" }, path: "url?options" },
          { value: { name: "search_path", value: "a" }, path: "url?schema" },
        ],
        abandonQueryAfterMs: { value: 2_000, path: "url?socket_timeout" },
      },
    },
    {
      title: "a TLS mode that the engine does not know",
      query: "?sslmode=verify-full",
      facts: {
        tlsMode: {
          value: {
            written: "sslmode=verify-full",
            does: "no-verify",
            standing: "unknown",
            instead:
              "Use `sslmode=require&sslaccept=strict`, or `sslaccept=accept_invalid_certs` where whoever answers may be trusted.",
          },
          path: "url?sslmode",
        },
      },
    },
    {
      title: "pgbouncer=true",
      query: "?pgbouncer=true&schema=a&statement_timeout=5",
      facts: {
        namedStatements: { value: false, path: "url?pgbouncer" },
        startupParameters: [],
        ignoredSettings: [
          {
            value: {
              name: "statement_timeout",
              instead: "Set it with `ALTER ROLE … SET statement_timeout`.",
            },
            path: "url?statement_timeout",
          },
        ],
      },
    },
  ])("$title", ({ query, facts }) => {
    expect(describeEngineUrl(pooled + query)).toMatchObject(facts);
  });

  test("finds nothing in what datasourceUrl() makes but the pool that the engine keeps", () => {
    const policy = policyWith({
      pooled: `${pooled}?schema=public&connection_limit=99&pool_timeout=0`,
    });

    const found = check(describeEngineUrl(datasourceUrl(policy), policy), policy);

    expect(found.map(({ rule }) => rule)).toEqual(["connections/no-client-pool"]);
  });
});

describe("describeDatasourceUrl", () => {
  test("accounts for what was changed, and shows no secret", () => {
    const described = describeDatasourceUrl(
      policyWith({ pooled: `${pooled}?connection_limit=30&application_name=x` }),
    );

    expect(described.coverage).toBe("configured");
    expect(
      described.changes.map(({ path, kind }) => `${kind} ${path.replace(/^.*\?/, "?")}`),
    ).toEqual([
      "overridden ?application_name",
      "set ?pgbouncer",
      "overridden ?connection_limit",
      "set ?pool_timeout",
      "set ?max_idle_connection_lifetime",
      "set ?max_connection_lifetime",
    ]);
    expect(inspect(described, { depth: 9, showHidden: true })).not.toContain("cret@");
    expect(JSON.stringify(described)).not.toContain("cret@");
  });
});

function policyWith(
  urls: { readonly pooled?: string; readonly direct?: string },
  pooler: Partial<PoolerPolicy> = {},
  policy: Policy = {},
): ReturnType<typeof policyOf> {
  return policyOf({
    ...policy,
    targets: { main: { ...urls, pooler: { kind: "pgbouncer", ...pooler } } },
  });
}

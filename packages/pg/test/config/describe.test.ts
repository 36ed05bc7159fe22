import type { ClientFacts, Environment } from "@doorpolicy/core";
import { describe, expect, test } from "vitest";

import { describePoolConfig, type PoolConfigInput } from "../../src/config/index.ts";

const URL = "postgresql://u:secret@h:6432/db";

interface Example {
  readonly title: string;
  readonly config: PoolConfigInput;
  readonly environment?: Environment;
  readonly facts: Partial<ClientFacts>;
}

interface Unset<Value> {
  readonly value: Value;
  readonly path: string;
  readonly key?: string;
}

const unset = <Value>(value: Value, key?: string): Unset<Value> =>
  key === undefined
    ? { value, path: "default of pg" }
    : { value, path: `${key} (default of pg)`, key };

const EXAMPLES: readonly Example[] = [
  {
    title: "nothing at all",
    config: undefined,
    facts: {
      applicationName: unset(undefined, "application_name"),
      poolMax: unset(10, "max"),
      usesPerConnection: unset(Infinity, "maxUses"),
      acquireTimeoutMs: unset(Infinity, "connectionTimeoutMillis"),
      startupParameters: [],
      namedStatements: unset(false),
      abandonQueryAfterMs: undefined,
      bootStatements: [],
      ignoredSettings: [],
      nativeDriver: unset(false),
    },
  },
  {
    title: "a URL beats an option",
    config: { connectionString: `${URL}?application_name=fromurl`, application_name: "fromoption" },
    facts: { applicationName: { value: "fromurl", path: "connectionString?application_name" } },
  },
  {
    title: "a URL as text",
    config: `${URL}?application_name=a%20b`,
    facts: { applicationName: { value: "a b", path: "connectionString?application_name" } },
  },
  {
    title: "variables of libpq that pg does not read",
    config: URL,
    environment: {
      PGTZ: "UTC",
      PGDATESTYLE: "ISO",
      PGSSLROOTCERT: "/ca.pem",
      PGPASSFILE: "/p",
      PGSERVICE: "",
    },
    facts: {
      ignoredSettings: [
        { value: { name: "PGTZ", instead: expect.any(String) }, path: "env PGTZ" },
        { value: { name: "PGDATESTYLE", instead: expect.any(String) }, path: "env PGDATESTYLE" },
        {
          value: { name: "PGSSLROOTCERT", instead: expect.any(String) },
          path: "env PGSSLROOTCERT",
        },
      ],
    },
  },
  {
    title: "an address that shows a pooler",
    config: { host: "aws-0-eu.pooler.supabase.com" },
    environment: { PGPORT: "6543" },
    facts: {
      recognised: {
        value: { kind: "supavisor", mode: "transaction", by: "*.pooler.supabase.com:6543" },
        path: "host",
      },
    },
  },
  {
    title: "an address in a variable, which a URL without a host leaves open",
    config: { connectionString: "postgresql://u@/db", host: "localhost" },
    environment: { PGHOST: "ep-1-pooler.eu.aws.neon.tech" },
    facts: {
      recognised: {
        value: { kind: "neon", mode: "transaction", by: "*-pooler.*.neon.tech" },
        path: "env PGHOST",
      },
    },
  },
  {
    title: "the last of two parameters",
    config: `${URL}?application_name=first&application_name=last`,
    facts: { applicationName: { value: "last", path: "connectionString?application_name" } },
  },
  {
    title: "an empty name in the URL hides the option and falls back to PGAPPNAME",
    config: { connectionString: `${URL}?application_name=`, application_name: "fromoption" },
    environment: { PGAPPNAME: "fromenv" },
    facts: { applicationName: { value: "fromenv", path: "env PGAPPNAME" } },
  },
  {
    title: "an option beats PGAPPNAME",
    config: { application_name: "fromoption" },
    environment: { PGAPPNAME: "fromenv" },
    facts: { applicationName: { value: "fromoption", path: "application_name" } },
  },
  {
    title: "fallback_application_name comes last",
    config: { fallback_application_name: "fallback" },
    facts: { applicationName: { value: "fallback", path: "fallback_application_name" } },
  },
  { title: "max: 0 is 10", config: { max: 0 }, facts: { poolMax: unset(10, "max") } },
  {
    title: 'max: "20" is 20',
    config: { max: "20" },
    facts: { poolMax: { value: 20, path: "max" } },
  },
  {
    title: "a max that is no number bounds nothing",
    config: { max: "many" },
    facts: { poolMax: { value: Infinity, path: "max" } },
  },
  {
    title: "poolSize",
    config: { poolSize: 7 },
    facts: { poolMax: { value: 7, path: "poolSize" } },
  },
  {
    title: "max beats poolSize",
    config: { max: 3, poolSize: 7 },
    facts: { poolMax: { value: 3, path: "max" } },
  },
  {
    title: "pool options in the URL are read by nobody",
    config: `${URL}?max=3`,
    facts: {
      poolMax: unset(10, "max"),
      ignoredSettings: [
        {
          value: { name: "max", instead: "Set `max` in the pool's options." },
          path: "connectionString?max",
        },
      ],
    },
  },
  {
    title: "maxUses: 0 is for ever",
    config: { maxUses: 0 },
    facts: { usesPerConnection: unset(Infinity, "maxUses") },
  },
  {
    title: "connectionTimeoutMillis: 0 waits for ever",
    config: { connectionTimeoutMillis: 0 },
    facts: { acquireTimeoutMs: unset(Infinity, "connectionTimeoutMillis") },
  },
  {
    title: "limits from options and URL",
    config: {
      connectionString: `${URL}?lock_timeout=300`,
      statement_timeout: 5_000,
      lock_timeout: 100,
    },
    facts: {
      startupParameters: [
        { value: { name: "statement_timeout", value: "5000" }, path: "statement_timeout" },
        { value: { name: "lock_timeout", value: "300" }, path: "connectionString?lock_timeout" },
      ],
    },
  },
  {
    title: 'statement_timeout: "5s" is 5 ms, as pg sends it',
    config: { statement_timeout: "5s" },
    facts: {
      startupParameters: [
        { value: { name: "statement_timeout", value: "5" }, path: "statement_timeout" },
      ],
    },
  },
  {
    title: "statement_timeout: 0 is not sent",
    config: { statement_timeout: 0 },
    facts: { startupParameters: [] },
  },
  {
    title: "PGOPTIONS",
    config: {},
    environment: { PGOPTIONS: "-c statement_timeout=5s --app.token=secret" },
    facts: {
      startupParameters: [
        {
          value: { name: "options", value: "-c statement_timeout=5s -c app.token=…" },
          path: "env PGOPTIONS",
        },
      ],
    },
  },
  {
    title: "options that are more than settings",
    config: { options: "-B secret" },
    facts: { startupParameters: [{ value: { name: "options", value: "…" }, path: "options" }] },
  },
  {
    title: "replication",
    config: { replication: "database" },
    facts: {
      startupParameters: [
        { value: { name: "replication", value: "database" }, path: "replication" },
      ],
    },
  },
  {
    title: "replication in the environment",
    config: {},
    environment: { PGREPLICATION: "database" },
    facts: {
      startupParameters: [
        { value: { name: "replication", value: "database" }, path: "env PGREPLICATION" },
      ],
    },
  },
  {
    title: "a URL parameter of a name that every object has",
    config: { connectionString: "postgres://u@h/db?constructor=1" },
    facts: { ignoredSettings: [] },
  },
  {
    title: "query_timeout in the URL",
    config: `${URL}?query_timeout=900`,
    facts: { abandonQueryAfterMs: { value: 900, path: "connectionString?query_timeout" } },
  },
  {
    title: "NODE_PG_FORCE_NATIVE",
    config: {},
    environment: { NODE_PG_FORCE_NATIVE: "1" },
    facts: { nativeDriver: { value: true, path: "env NODE_PG_FORCE_NATIVE" } },
  },
  {
    title: "a Unix socket in pg's short form",
    config: "/run/postgresql app",
    facts: { applicationName: unset(undefined, "application_name"), ignoredSettings: [] },
  },
];

describe("describePoolConfig", () => {
  test.each(EXAMPLES)("$title", ({ config, environment = {}, facts }) => {
    const found = describePoolConfig(config, {
      client: "pg",
      target: "main",
      lane: "pooled",
      environment,
    });

    expect(found).toMatchObject(facts);
    expect(JSON.stringify(found)).not.toContain("secret");
  });

  test("speaks in the words of an adapter", () => {
    const config = { connectionString: `${URL}?pgbouncer=true`, statement_timeout: 1 };

    const found = describePoolConfig(config, {
      client: "typeorm",
      target: "main",
      lane: "pooled",
      paths: { option: (key) => `extra.${key}`, url: (parameter) => `url?${parameter}` },
      instead: { pgbouncer: "Remove it." },
    });

    expect(found.startupParameters[0]?.path).toBe("extra.statement_timeout");
    expect(found.usesPerConnection).toEqual(unset(Infinity, "extra.maxUses"));
    expect(found.ignoredSettings).toEqual([
      { value: { name: "pgbouncer", instead: "Remove it." }, path: "url?pgbouncer" },
    ]);
  });

  test.each([
    ["checked", "Wrap it"],
    ["guarded", undefined],
  ] as const)("for a client that is %s the remedy is %s", (coverage, remedy) => {
    const context = { client: "pg", target: "main", lane: "pooled", remedy: "Wrap it" } as const;

    const found = describePoolConfig({}, { ...context, coverage });

    expect(found.remedy).toBe(remedy);
  });
});

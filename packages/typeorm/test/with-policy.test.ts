import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";

import { type Policy, PolicyError } from "@doorpolicy/core";
import { adapterLaws } from "@doorpolicy/core/testing";
import pg from "pg";
import { EntitySchema } from "typeorm";
import { describe as suite, expect, test } from "vitest";

import { applicationPg } from "../src/driver.ts";
import { changes, type DataSourceLikeOptions, describe, withPolicy } from "../src/index.ts";
import { NAME, policyOf } from "./policies.ts";

const url = "postgresql://u:secret@h:6432/db";

suite("the laws of adapters, for DataSource options", () => {
  const laws = adapterLaws<DataSourceLikeOptions>({
    describe: (options, policy) => describe(options, policy, {}, {}),
    apply: (options, policy) => withPolicy(options, policy),
    examples: {
      "the policy's own URL": postgres({}),
      "a URL": postgres({ url: `${url}?application_name=other&statement_timeout=10` }),
      "discrete fields": postgres({
        host: "h",
        port: 6432,
        username: "u",
        password: "secret",
        poolSize: 100,
      }),
      extra: postgres({
        url,
        applicationName: "other",
        extra: { application_name: "third", max: 0, statement_timeout: 5_000, query_timeout: 900 },
      }),
      "a URL in extra": postgres({
        extra: { connectionString: `${url}?application_name=x&lock_timeout=5` },
      }),
      replication: postgres({
        replication: {
          master: { url: `${url}?statement_timeout=10`, applicationName: "other" },
          slaves: [{ url: `${url}?application_name=x` }, { host: "replica", username: "u" }],
        },
        extra: { options: "-c lock_timeout=1s" },
      }),
      "a native driver": postgres({ url, driver: pg, nativeDriver: {}, installExtensions: true }),
    },
    policies: {
      enforce: policyOf(),
      strict: policyOf({ extends: "strict" }),
      observe: policyOf({ mode: "observe" }),
      bypass: policyOf({ mode: "bypass" }),
    },
    refused: {
      synchronize: { options: postgres({ url, synchronize: true }), code: "options/refused" },
      migrationsRun: { options: postgres({ url, migrationsRun: true }), code: "options/refused" },
      dropSchema: { options: postgres({ url, dropSchema: true }), code: "options/refused" },
      "search_path in extra": {
        options: postgres({ url, extra: { options: "-c search_path=a" } }),
        code: "startup/refused",
      },
      mysql: { options: { type: "mysql" }, code: "options/refused" },
      cockroachdb: { options: { type: "cockroachdb" }, code: "options/refused" },
      "aurora-postgres": { options: { type: "aurora-postgres" }, code: "options/refused" },
      "a URL of another scheme": {
        options: postgres({ url: "mysql://u:secret@h/db" }),
        code: "url/unsupported",
      },
      "an Accelerate URL": {
        options: postgres({ url: "prisma://h/?api_key=secret" }),
        code: "url/unsupported",
      },
    },
  });

  test.each(laws)("$title", (law) => law.run());
});

suite("withPolicy", () => {
  test.each([
    ["url", postgres({ url: "postgresql://u:hunter2%zz@h/db" })],
    [
      "replication.slaves[0].url",
      postgres({
        replication: { master: { url }, slaves: [{ url: "postgres://u%ff:hunter2@h/db" }] },
      }),
    ],
  ])("says which %s TypeORM could not decode, without it", (path, options) => {
    const wrap = (): unknown => withPolicy(options, policyOf());

    expect(wrap).toThrow(
      `The URL of the pooled lane of target \`main\` (${path}) has a \`%\` in its user name or password`,
    );
    expect(wrap).toThrow(expect.objectContaining({ code: "url/unsupported", path }));
    expect(wrap).not.toThrow(/hunter2/);
  });

  test("says of the policy's own URL which one TypeORM could not decode", () => {
    const policy = policyOf({ targets: { main: { pooled: "postgres://u:hunter2%zz@h/db" } } });

    expect(() => withPolicy(postgres({}), policy)).toThrow("(targets.main.pooled)");
  });

  test("refuses a policy in the place of the options", () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JavaScript passes what the types forbid.
    const swapped = policyOf() as unknown as DataSourceLikeOptions;

    expect(() => withPolicy(swapped, policyOf())).toThrow("Pass the options first");
  });

  test("speaks TypeORM's words and leaves what it does not know alone", () => {
    const entities = [
      new EntitySchema({ name: "invoice", columns: { id: { type: "int", primary: true } } }),
    ];
    const options = postgres({
      url: `${url}?sslmode=no-verify&application_name=x`,
      entities,
      schema: "a",
      ssl: { rejectUnauthorized: false },
    });

    const guarded = withPolicy(options, policyOf());

    expect(guarded).toMatchObject({
      type: "postgres",
      url: `${url}?sslmode=no-verify`,
      applicationName: NAME,
      poolSize: 10,
      connectTimeoutMS: 5_000,
      extra: { maxUses: 1 },
      installExtensions: false,
      schema: "a",
      ssl: { rejectUnauthorized: false },
    });
    expect(guarded).toHaveProperty("entities", entities);
    expect(Object.keys(guarded)).not.toContain("nativeDriver");
  });

  test("uses the URL of the lane where the options have none", () => {
    const ofPolicy = withPolicy(postgres({}), policyOf());
    const ofOptions = withPolicy(postgres({ database: "own" }), policyOf());
    const ofEndpoints = withPolicy(
      postgres({ replication: { master: { host: "h" }, slaves: [] } }),
      policyOf(),
    );

    expect(ofPolicy).toHaveProperty("url", "postgresql://u:secret@policy:6432/db");
    expect(ofOptions).not.toHaveProperty("url");
    expect(ofEndpoints).not.toHaveProperty("url");
  });

  test("names target, lane and variable where no URL is to be had", () => {
    const policy = policyOf({ targets: { main: {} } });

    const apply = (): unknown => withPolicy(postgres({}), policy);

    expect(apply).toThrow(expect.objectContaining({ code: "policy/missing-url" }));
  });

  test("gives TypeORM a driver without a native way around it", () => {
    const guarded = withPolicy(postgres({ url, nativeDriver: {} }), policyOf());

    const driver = driverOf(guarded);
    expect(driver?.native).toBeUndefined();
    expect(driver?.Pool).not.toBe(pg.Pool);
    expect(driver?.defaults).toBe(pg.defaults);
    expect(guarded).not.toHaveProperty("nativeDriver");
  });

  test("refuses the native binding as the driver", () => {
    const native = { Client: NativeClient, Pool: NativeClient };

    const apply = (): unknown => withPolicy(postgres({ url, driver: native }), policyOf());

    expect(apply).toThrow(expect.objectContaining({ code: "driver/native" }));
  });

  test("takes the namespace of an ES module as the driver", async () => {
    const namespace = await import("pg");

    const guarded = withPolicy(postgres({ url, driver: namespace }), policyOf());

    expect(driverOf(guarded)?.Pool).not.toBe(pg.Pool);
  });

  test("leaves DDL at start alone on the direct lane and in observe", () => {
    const options = postgres({ url, synchronize: true, migrationsRun: true });

    const direct = withPolicy(options, policyOf(), { lane: "direct" });
    const observed = withPolicy(options, policyOf({ mode: "observe" }));

    for (const guarded of [direct, observed]) {
      expect(guarded).toMatchObject({ synchronize: true, migrationsRun: true });
      expect(guarded).not.toHaveProperty("installExtensions");
    }
  });

  test("lets a written exception have its way", () => {
    const allow = [
      { rule: "lanes/no-boot-ddl", match: "synchronize", reason: "one instance, in a review app" },
    ];

    const guarded = withPolicy(postgres({ url, synchronize: true }), policyOf({ allow }));

    expect(guarded).toHaveProperty("synchronize", true);
  });

  test("names the rule that allows DDL at start where it refuses it", () => {
    const options = postgres({ url, migrationsRun: true });

    expect(() => withPolicy(options, policyOf())).toThrow(/by the rule `lanes\/no-boot-ddl`\.$/u);
  });

  test("edits the URL of the primary and of every replica, and only those", () => {
    const options = postgres({
      replication: {
        master: { url: `${url}?application_name=x` },
        slaves: [{ url: `${url}?statement_timeout=10` }, { url: `${url}?statement_timeout=20` }],
        defaultMode: "master",
      },
    });

    const guarded = withPolicy(options, policyOf());

    expect(guarded).toMatchObject({
      applicationName: NAME,
      replication: { master: { url }, slaves: [{ url }, { url }], defaultMode: "master" },
      extra: { doorpolicy: { limits: { statementTimeoutMs: 10 } } },
    });
  });

  test("refuses an app name with control characters, and says where it stands", () => {
    const policy: Policy = {
      naming: { app: "billing\u0000admin" },
      targets: { main: { pooled: url } },
    };

    const apply = (): unknown => withPolicy(postgres({}), policy);

    expect(apply).toThrow(expect.objectContaining({ code: "naming/invalid" }));
  });
});

suite("changes", () => {
  test("accounts for each setting under the user's own key, without a secret", () => {
    const options = postgres({
      url: `${url}?application_name=x`,
      poolSize: 100,
      extra: { statement_timeout: 5_000, options: "-c lock_timeout=1" },
      nativeDriver: {},
    });

    const found = changes(options, policyOf());

    expect(found.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      "dropped nativeDriver",
      "set installExtensions",
      "dropped url?application_name",
      "set applicationName",
      "overridden poolSize",
      "set connectTimeoutMS",
      "set extra.maxUses",
      "set extra.maxLifetimeSeconds",
      "dropped extra.statement_timeout",
      "dropped extra.options",
    ]);
    expect(inspect(found)).not.toContain("secret");
  });
});

suite("describe", () => {
  test("calls a URL in `extra` by its name, and sees what only a replica has", () => {
    const inExtra = describe(
      postgres({ extra: { connectionString: `${url}?lock_timeout=1` } }),
      undefined,
      {},
      {},
    );
    const ofReplica = describe(
      postgres({ replication: { master: { url }, slaves: [{ url: `${url}?lock_timeout=1` }] } }),
      undefined,
      {},
      {},
    );

    expect(inExtra.startupParameters[0]?.path).toBe("extra.connectionString?lock_timeout");
    expect(ofReplica.startupParameters[0]?.path).toBe("replication.slaves[0].url?lock_timeout");
  });

  test("names the user's own keys", () => {
    const facts = describe(
      postgres({
        replication: {
          master: { url: `${url}?lock_timeout=1` },
          slaves: [{ applicationName: "reader" }],
        },
        extra: { statement_timeout: 5_000, max: 3 },
        synchronize: true,
        extensions: ["ltree"],
        nativeDriver: {},
      }),
      undefined,
      {},
      {},
    );

    expect(facts).toMatchObject({
      client: "typeorm",
      coverage: "checked",
      applicationName: { value: "reader", path: "replication.slaves[0].applicationName" },
      poolMax: { value: 3, path: "extra.max" },
      nativeDriver: { value: true, path: "nativeDriver" },
    });
    expect(facts.startupParameters.map(({ path }) => path)).toEqual([
      "extra.statement_timeout",
      "replication.master.url?lock_timeout",
    ]);
    expect(facts.bootStatements.map(({ path }) => path)).toEqual(["synchronize", "extensions"]);
  });

  test("calls a URL of the policy by the policy's word for it", () => {
    const facts = describe(postgres({}), policyOf(), {}, {});

    expect(facts.ignoredSettings.map(({ value }) => value.name)).toEqual(["pgbouncer"]);
    expect(facts.ignoredSettings[0]?.path).not.toMatch(/^url\?/);
  });
});

suite("the application's own pg", () => {
  test("is said to be missing, with what to do, where nobody has installed it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "doorpolicy-typeorm-"));
    await writeFile(join(folder, "package.json"), "{}");

    const load = (): unknown => applicationPg([join(folder, "package.json")]);

    expect(load).toThrow(PolicyError);
    expect(load).toThrow("npm install pg");
    await rm(folder, { recursive: true });
  });

  test("is the one that TypeORM has", () => {
    expect(applicationPg()).toBe(pg);
  });
});

/** Options as a service writes them; what TypeORM's types say of them is tested in types.test.ts. */
function postgres(options: object): DataSourceLikeOptions {
  return { type: "postgres", ...options };
}

function driverOf(options: DataSourceLikeOptions & { driver?: typeof pg }): typeof pg | undefined {
  return options.driver;
}

/** As pg-native's client looks from outside: it knows its active query by a method, and has no startup packet. */
class NativeClient {
  readonly isBusy: boolean = false;

  _hasActiveQuery(): boolean {
    return this.isBusy;
  }
}

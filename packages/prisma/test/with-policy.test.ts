import { createRequire } from "node:module";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";

import { PrismaPg } from "@prisma/adapter-pg";
import { adapterLaws } from "@doorpolicy/core/testing";
import { PrismaPg as PrismaPg6 } from "adapter-pg-6";
import pg from "pg";
import { describe as suite, expect, test } from "vitest";

import { changes, describe, type PrismaPolicyOptions, withPolicy } from "../src/index.ts";
import { applicationPrismaPg } from "../src/prisma-pg.ts";
import { NAME, policyOf } from "./policies.ts";

const url = "postgresql://u:secret@h:6432/db";

/** Another version of pg, which has its own classes as a second copy of the same version would. */
const secondPg: typeof pg = createRequire(import.meta.url)("pg816");

suite("the laws of adapters, for PrismaClient options", () => {
  const laws = adapterLaws<PrismaPolicyOptions>({
    describe: (options, policy) => describe(options, policy, {}, {}),
    apply: (options, policy) => withPolicy(options, policy),
    examples: {
      "the policy's own URL": {},
      "a URL": { url: `${url}?application_name=other&statement_timeout=10` },
      "the URL of Prisma 6": {
        connectionString: `${url}?pgbouncer=true&connection_limit=1&pool_timeout=2&schema=a&sslaccept=strict`,
      },
      "a pool config": {
        connection: { host: "h", user: "u", password: "secret", max: 50, query_timeout: 900 },
      },
      "a URL beside a pool config": { url, connection: { max: 3, lock_timeout: 10 } },
      "a PrismaPg": { adapter: new PrismaPg({ connectionString: url, max: 100 }, { schema: "a" }) },
      "a PrismaPg of 6.19": {
        adapter: new PrismaPg6({ connectionString: url, statement_timeout: 10 }),
      },
      "a PrismaPg with a pool": { adapter: new PrismaPg(new pg.Pool({ connectionString: url })) },
      "limits of its own": { url, transactionOptions: { maxWait: 100, timeout: 60_000 } },
    },
    policies: {
      enforce: policyOf(),
      strict: policyOf({ extends: "strict" }),
      observe: policyOf({ mode: "observe" }),
      bypass: policyOf({ mode: "bypass" }),
    },
    refused: {
      "a URL of another scheme": {
        options: { url: "mysql://u:secret@h/db" },
        code: "url/unsupported",
      },
      "an Accelerate URL": {
        options: { url: "prisma+postgres://h/?api_key=secret" },
        code: "url/unsupported",
      },
      "search_path in the URL": {
        options: { url: `${url}?options=-c%20search_path%3Da` },
        code: "startup/refused",
      },
      "statement names": {
        options: { url, adapterOptions: { statementNameGenerator: () => "s0" } },
        code: "options/refused",
      },
      "a pool that ends by itself": {
        options: { url, adapterOptions: { disposeExternalPool: true } },
        code: "options/refused",
      },
      "two URLs": { options: { url, connectionString: url }, code: "options/refused" },
      "an adapter and a URL": {
        options: { url, adapter: new PrismaPg({}) },
        code: "options/refused",
      },
      "another adapter": {
        options: { adapter: { provider: "sqlite" } },
        code: "driver/unsupported",
      },
      "a pool of a second copy of pg": {
        options: { adapter: new PrismaPg(new secondPg.Pool({ connectionString: url })) },
        code: "driver/second-copy",
      },
    },
  });

  test.each(laws)("$title", (law) => law.run());
});

suite("withPolicy", () => {
  test("refuses a policy in the place of the options", () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JavaScript passes what the types forbid.
    const swapped = policyOf() as PrismaPolicyOptions;

    expect(() => withPolicy(swapped, policyOf())).toThrow("Pass the options first");
  });

  test("takes its own keys out, and leaves what it does not know alone", () => {
    const options = withPolicy(
      { url, adapterOptions: {}, PrismaPg, log: ["query"], errorFormat: "minimal", comments: [] },
      policyOf(),
    );

    expect(Object.keys(options).toSorted()).toEqual([
      "adapter",
      "comments",
      "errorFormat",
      "log",
      "transactionOptions",
    ]);
  });

  test("gives Prisma the policy's limits, and keeps those of the service", () => {
    const ofPolicy = withPolicy({ url }, policyOf());
    const ofService = withPolicy(
      { url, transactionOptions: { timeout: 60_000, isolationLevel: "Serializable" } },
      policyOf(),
    );
    const enforced = withPolicy(
      { url, transactionOptions: { timeout: 60_000 } },
      policyOf({ enforced: ["transaction"] }),
    );

    expect(ofPolicy.transactionOptions.timeout).toBe(30_000);
    expect(ofPolicy.transactionOptions.maxWait).toBeGreaterThan(5_000);
    expect(ofService.transactionOptions).toMatchObject({
      timeout: 60_000,
      isolationLevel: "Serializable",
    });
    expect(enforced.transactionOptions.timeout).toBe(30_000);
  });

  test("gives Prisma a very long limit where the policy has none, since it reads 0 as at once", () => {
    const options = withPolicy({ url }, policyOf({ transaction: { timeoutMs: 0 } }));

    expect(options.transactionOptions.timeout).toBe(2_147_483_647);
  });

  test("shows no secret of its adapter", () => {
    const options = withPolicy({ connection: { host: "h", password: "secret" } }, policyOf());

    expect(inspect(options, { depth: 9, showHidden: true })).not.toContain("secret");
  });

  test("keeps its adapter for the same policy and lane, and makes another for another", () => {
    const policy = policyOf();
    const pooled = withPolicy({ url }, policy);

    const again = withPolicy(pooled, policy, { target: "main" });
    const direct = withPolicy(pooled, policy, { lane: "direct" });

    expect(again.adapter).toBe(pooled.adapter);
    expect(direct.adapter).not.toBe(pooled.adapter);
  });

  test("gives the adapter the schema of the URL, unless it has one", async () => {
    const { adapter } = withPolicy({ url: `${url}?schema=billing` }, policyOf());
    const { adapter: own } = withPolicy(
      { url: `${url}?schema=billing`, adapterOptions: { schema: "own" } },
      policyOf(),
    );

    // Connecting an adapter opens no socket.
    const schemas = [await adapter.connect(), await own.connect()].map(
      (db) => db.getConnectionInfo?.().schemaName,
    );

    expect(schemas).toEqual(["billing", "own"]);
  });

  test("keeps statement names where the pooler tracks them", () => {
    const policy = policyOf({
      targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" } } },
    });

    const options = withPolicy(
      { url, adapterOptions: { statementNameGenerator: () => "s0" } },
      policy,
    );

    expect(describe(options, policy).namedStatements.value).toBe(true);
  });

  test("refuses URLs for the native engine, which is another client", () => {
    const other = { errorFormat: "minimal" as const, datasourceUrl: url };

    expect(() => withPolicy(other, policyOf())).toThrow(
      expect.objectContaining({ code: "options/refused", path: "datasourceUrl" }),
    );
  });
});

suite("changes", () => {
  test("takes up what Prisma 7 ignores, and says it", () => {
    const options = {
      url: `${url}?connection_limit=4&pool_timeout=2&connect_timeout=9&schema=billing&pgbouncer=true&max_idle_connection_lifetime=0`,
      connection: { maxLifetimeSeconds: 60 },
    };

    const found = changes(options, policyOf());
    const facts = describe(withPolicy(options, policyOf()), policyOf(), {}, {});

    expect(found.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      "dropped url?connection_limit",
      "dropped url?pool_timeout",
      "dropped url?connect_timeout",
      "dropped url?max_idle_connection_lifetime",
      "dropped url?schema",
      "set connection.application_name",
      "set connection.maxUses",
      "dropped url?pgbouncer",
      "set transactionOptions.maxWait",
      "set transactionOptions.timeout",
    ]);
    expect(facts).toMatchObject({
      applicationName: { value: NAME },
      poolMax: { value: 4 },
      acquireTimeoutMs: { value: 2_000 },
      ignoredSettings: [],
    });
  });

  test("leaves the policy's wait where the URL says for ever", () => {
    const found = changes({ url: `${url}?pool_timeout=0` }, policyOf());

    expect(found.map(({ path, kind }) => `${kind} ${path}`)).toEqual(
      expect.arrayContaining([
        "dropped url?pool_timeout",
        "set connection.connectionTimeoutMillis",
      ]),
    );
  });

  test("says that a pool which the service made is not used", () => {
    const adapter = new PrismaPg(new pg.Pool({ connectionString: url }));

    const [first] = changes({ adapter }, policyOf());

    expect(first).toMatchObject({ path: "adapter", kind: "dropped" });
  });

  test("lets an option win over the URL, and the policy over both", () => {
    const options = { url: `${url}?connection_limit=4`, connection: { max: 3 } };

    const own = describe(withPolicy(options, policyOf()), policyOf());
    const enforced = describe(
      withPolicy(options, policyOf({ enforced: ["connections"] })),
      policyOf(),
    );

    expect(own.poolMax.value).toBe(3);
    expect(enforced.poolMax.value).toBe(10);
  });
});

suite("describe", () => {
  test("names the URL parameters that Prisma 7 ignores", () => {
    const facts = describe({ url: `${url}?pgbouncer=true&schema=a` }, undefined, {}, {});

    expect(facts.ignoredSettings).toEqual([
      expect.objectContaining({ path: "url?pgbouncer" }),
      { path: "url?schema", value: { name: "schema", instead: "Set the adapter's `schema`." } },
    ]);
  });

  test("reads a PrismaPg that a service made", () => {
    const adapter = new PrismaPg({ connectionString: `${url}?lock_timeout=5`, max: 4 });

    const facts = describe({ adapter }, undefined, {}, {});

    expect(facts).toMatchObject({
      client: "prisma",
      poolMax: { value: 4, path: "adapter.max" },
      startupParameters: [{ path: "adapter.connectionString?lock_timeout" }],
    });
  });
});

suite("the application's own @prisma/adapter-pg", () => {
  test("is said to be missing, with what to do, where nobody has installed it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "doorpolicy-prisma-"));
    await writeFile(join(folder, "package.json"), "{}");

    expect(() => applicationPrismaPg([join(folder, "package.json")])).toThrow(
      expect.objectContaining({
        code: "driver/missing",
        message: expect.stringContaining("npm install @prisma/adapter-pg") as unknown,
      }),
    );
    await rm(folder, { recursive: true });
  });
});

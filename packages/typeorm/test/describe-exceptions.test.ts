import { check, definePolicy } from "@doorpolicy/core";
import { DataSource } from "typeorm";
import { describe as group, expect, test } from "vitest";

import { describe, withPolicy } from "../src/index.ts";
import { resolveForProcess } from "@doorpolicy/pg";

const policy = definePolicy({
  mode: "enforce",
  naming: { app: "billing" },
  pooler: { kind: "pgbouncer", version: "1.24" },
});

group("replicas", () => {
  test("what a replica contradicts is found, and a TLS mode of its own", () => {
    const options = {
      type: "postgres" as const,
      replication: {
        master: { url: "postgresql://u@h/db?sslmode=verify-full" },
        slaves: [{ url: "postgresql://u@i/db?sslmode=require", ssl: { ca: "x" } }],
      },
    };
    const found = check(describe(options, policy, {}, {}), resolveForProcess(policy));
    expect(found.map(({ rule, path }) => [rule, path])).toEqual(
      expect.arrayContaining([
        ["settings/no-contradiction", "replication.slaves[0].ssl"],
        ["settings/explicit-tls", "replication.slaves[0].url?sslmode"],
      ]),
    );
  });
});

group("an exception in TypeORM's words", () => {
  test("holds until the socket", async () => {
    const own = definePolicy({
      ...policy,
      connections: { connectRetry: false },
      allow: [{ rule: "settings/no-contradiction", match: "extra.ssl", reason: "one more day" }],
    });
    const options = {
      type: "postgres" as const,
      url: "postgresql://u@127.0.0.1:1/db?sslmode=verify-full",
      extra: { ssl: { ca: "x" } },
    };
    await expect(new DataSource(withPolicy(options, own)).initialize()).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    expect(() => withPolicy(options, policy)).toThrow(/extra\.ssl/);
  });
});

import { definePolicy, type Policy } from "@doorpolicy/core";
import * as prisma from "@doorpolicy/prisma";
import * as typeorm from "@doorpolicy/typeorm";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../src/expect.ts";

let bed: Testbed;
let policy: Policy;

beforeAll(async () => {
  bed = await startTestbed({ allowDownload: true });
  policy = definePolicy({
    mode: "enforce",
    naming: { app: "jobs", user: "deploy", host: "web-1" },
    targets: {
      main: {
        pooler: { kind: "pgbouncer", version: "1.24" },
        pooled: bed.urls.pooled,
        direct: bed.urls.direct,
      },
    },
  });
});
afterAll(() => bed.stop());

/** Backends of Postgres itself that bear the policy's name. */
async function backends(): Promise<number> {
  const rows = await bed.sql(
    "select pid from pg_stat_activity where application_name = 'jobs:deploy@web-1'",
  );
  return rows.length;
}

describe.each([
  ["TypeORM", typeorm],
  ["Prisma", prisma],
])("with the pg of %s and a policy alone", (_, { listen, withAdvisoryLock }) => {
  test("withAdvisoryLock() holds a lock", async () => {
    const held = await withAdvisoryLock(policy, "nightly", async () => {
      const [row] = await bed.sql(
        "select count(*) as held from pg_locks where locktype = 'advisory'",
      );
      return [row?.["held"], await backends()];
    });

    expect(held).toEqual(["1", expect.any(Number)]);
    expect(held[1]).toBeGreaterThan(0);
  });

  test("listen() hears what is sent", async () => {
    const heard: string[] = [];
    await using listener = await listen(policy, {
      channels: ["jobs"],
      onNotification: ({ payload }) => heard.push(payload),
      onGap: () => undefined,
    });

    await bed.sql("select pg_notify('jobs', 'one')", "app");

    await eventually(() => expect(heard).toEqual(["one"]));
    expect(listener.state).toBe("listening");
  });
});

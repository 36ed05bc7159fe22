import { definePolicy, type LaneChoice, type Policy, type Violation } from "@doorpolicy/core";
import { guardPg, type GuardPgOptions } from "@doorpolicy/pg";
import { startTestbed, type Testbed } from "@doorpolicy/testbed";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let bed: Testbed;

beforeAll(async () => {
  // The first that says what it is.
  bed = await startTestbed({ allowDownload: true, poolSize: 5, pooler: { version: "1.26" } });
});
afterAll(async () => {
  await bed.stop();
});

async function logIn(
  policy: Policy,
  urls: string | readonly string[] = bed.urls.pooled,
  choice: LaneChoice = {},
  options: GuardPgOptions = {},
): Promise<Violation[]> {
  const seen: Violation[] = [];
  const own = definePolicy({
    mode: "enforce",
    naming: { app: "billing" },
    ...policy,
    onViolation: (violation) => seen.push(violation),
  });
  const { Client } = guardPg(pg, own, choice, options);
  for (let round = 0; round < 2; round++) {
    for (const connectionString of [urls].flat()) {
      const client = new Client({ connectionString });
      await client.connect();
      await client.query("select 1");
      await client.end();
    }
  }
  return seen;
}

describe("what PgBouncer 1.26 says at login, held against the policy", () => {
  test.each<[string, NonNullable<Policy["pooler"]>]>([
    ["the same version", { kind: "pgbouncer", version: "1.26" }],
    ["an older version", { kind: "pgbouncer", version: "1.18" }],
    ["no version", { kind: "pgbouncer" }],
  ])("%s: nothing is reported", async (_, pooler) => {
    expect(await logIn({ pooler })).toEqual([]);
  });

  test.each<[string, NonNullable<Policy["pooler"]>, RegExp]>([
    ["a version that is not there", { kind: "pgbouncer", version: "1.27" }, /1\.26\.\d+ answers/],
    [
      "session mode",
      { kind: "pgbouncer", mode: "session" },
      /it pools in transaction mode: what a session sets stays/,
    ],
    ["no pooler", { kind: "none" }, /PgBouncer 1\.26\.\d+ in transaction mode answers/],
    ["another pooler", { kind: "odyssey" }, /PgBouncer 1\.26\.\d+ answers/],
  ])("%s: reported once, and nothing is refused", async (_, pooler, message) => {
    const seen = await logIn({ pooler });

    expect(seen).toMatchObject([
      { rule: "pooler/differs", action: "reported", message: expect.stringMatching(message) },
    ]);
  });

  test("a direct lane that leads through it is reported", async () => {
    const seen = await logIn({ pooler: { kind: "pgbouncer" } }, bed.urls.pooled, {
      lane: "direct",
    });

    expect(seen).toMatchObject([{ rule: "pooler/differs", lane: "direct" }]);
  });

  test("Postgres itself says nothing, and nothing is said", async () => {
    expect(await logIn({ pooler: { kind: "none" } }, bed.urls.direct)).toEqual([]);
  });

  test("a server that says nothing does not answer for the next one", async () => {
    const seen = await logIn({ pooler: { kind: "none" } }, [bed.urls.direct, bed.urls.pooled]);

    expect(seen).toMatchObject([{ rule: "pooler/differs" }]);
  });

  test("a replica's pooler is told of by itself, and the primary's as well", async () => {
    // The same PgBouncer, by another name.
    const replica = bed.urls.pooled.replace("127.0.0.1", "localhost");
    const isReplica: GuardPgOptions["isReplica"] = (options) =>
      options["connectionString"] === replica;

    const seen = await logIn(
      { pooler: { kind: "odyssey" } },
      [replica, bed.urls.pooled],
      {},
      { isReplica },
    );

    expect(replica).not.toBe(bed.urls.pooled);
    expect(seen.map(({ rule, help }) => [rule, help])).toEqual([
      ["pooler/differs", expect.stringContaining("Move the replicas to a target of their own")],
      ["pooler/differs", expect.stringContaining("Set `targets.main.pooler.kind`")],
    ]);
  });

  test("nothing is said where the rule is off, and in bypass", async () => {
    const pooler = { kind: "none" } as const;

    expect(await logIn({ pooler, rules: { "pooler/differs": { runtime: "off" } } })).toEqual([]);
    expect(await logIn({ pooler, mode: "bypass" })).toEqual([]);
  });
});

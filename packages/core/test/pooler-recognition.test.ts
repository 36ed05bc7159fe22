import { describe, expect, test } from "vitest";

import {
  type AnnouncedPooler,
  check,
  differenceFromAnnounced,
  type LaneChoice,
  laneInUse,
  type Policy,
  readConnectionUrl,
  recognisePooler,
  type RecognisedPooler,
  type ResolvedTarget,
} from "../src/index.ts";
import { fact, facts, processWith, resolved } from "./support.ts";

describe("an address shows", () => {
  const table: readonly (readonly [address: string, shown: string | undefined])[] = [
    ["aws-0-eu-central-1.pooler.supabase.com:6543", "supavisor transaction"],
    ["aws-0-eu-central-1.pooler.supabase.com:5432", "supavisor session"],
    ["aws-0-eu-central-1.pooler.supabase.com", "supavisor session"],
    ["AWS-0-EU-CENTRAL-1.Pooler.Supabase.COM:6543", "supavisor transaction"],
    ["aws-0-eu-central-1.pooler.supabase.com.:6543", "supavisor transaction"],
    ["aws-0-eu-central-1.pooler.supabase.com:7000", undefined],
    ["pooler.supabase.com.example.org:6543", undefined],
    ["db.abcdefgh.supabase.co:6543", "pgbouncer transaction"],
    ["db.abcdefgh.supabase.co", "none"],
    ["ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech", "neon transaction"],
    ["ep-cool-darkness-123456-pooler.c-2.us-east-2.aws.neon.tech", "neon transaction"],
    ["ep-cool-darkness-123456-pooler.eastus2.azure.neon.tech:5432", "neon transaction"],
    ["ep-cool-darkness-123456.us-east-2.aws.neon.tech", "none"],
    ["console.neon.tech", undefined],
    ["the-proxy.proxy-demo.us-east-1.rds.amazonaws.com:5432", "rds-proxy transaction"],
    ["reader.endpoint.proxy-demo.us-east-1.rds.amazonaws.com", "rds-proxy transaction"],
    ["the-proxy.proxy-demo.cn-north-1.rds.amazonaws.com.cn", "rds-proxy transaction"],
    ["billing.cluster-abc123.eu-west-1.rds.amazonaws.com", "none"],
    ["billing.abc123.eu-west-1.rds.amazonaws.com", "none"],
    ["db-postgresql-fra1-1.b.db.ondigitalocean.com:25061", "pgbouncer"],
    ["db-postgresql-fra1-1.b.db.ondigitalocean.com:25060", "none"],
    ["p.43lmodgbqvdmlp.db.postgresbridge.com:5431", "pgbouncer"],
    ["p.43lmodgbqvdmlp.db.postgresbridge.com", "none"],
    ["billing.postgres.database.azure.com:6432", "pgbouncer"],
    ["billing.postgres.database.azure.com", "none"],
    // Of one's own: any pooler may listen there.
    ["localhost:6432", undefined],
    ["pgbouncer.internal", undefined],
    ["a.pooler.supabase.com:6543,b.pooler.supabase.com:6543", undefined],
    ["ep-a-pooler.eu.aws.neon.tech,ep-b-pooler.eu.aws.neon.tech", undefined],
  ];
  for (const [address, shown] of table) {
    test(`${address}: ${shown ?? "nothing"}`, () => {
      const found = recognisePooler(readConnectionUrl(`postgresql://u:p@${address}/app`));

      expect(found && [found.kind, found.mode].filter(Boolean).join(" ")).toBe(shown);
    });
  }

  test("a pattern, and never the host itself", () => {
    const found = recognisePooler({ host: "ep-secret-1-pooler.eu.aws.neon.tech" });

    expect(found?.by).toBe("*-pooler.*.neon.tech");
  });
});

const SUPABASE_URL = "postgresql://u:secret@aws-0-eu.pooler.supabase.com:6543/postgres";
const SESSION_URL = SUPABASE_URL.replace("6543", "5432");

describe("the pooler of a target", () => {
  const table: readonly (readonly [says: string, policy: Policy, pooler: object])[] = [
    [
      "is the one that the pooled URL shows",
      { targets: { main: { pooled: SUPABASE_URL } } },
      { declaredBy: "url", kind: "supavisor", mode: "transaction" },
    ],
    [
      "is the policy's, whatever the URL shows",
      { targets: { main: { pooled: SUPABASE_URL, pooler: { kind: "pgcat" } } } },
      { declaredBy: "policy", kind: "pgcat", mode: "transaction" },
    ],
    [
      "has the mode that the URL shows, where the policy names the same kind and no mode",
      { targets: { main: { pooled: SESSION_URL, pooler: { kind: "supavisor" } } } },
      { declaredBy: "policy", kind: "supavisor", mode: "session" },
    ],
    [
      "has the mode of the policy, where it names one",
      {
        targets: {
          main: { pooled: SESSION_URL, pooler: { kind: "supavisor", mode: "transaction" } },
        },
      },
      { declaredBy: "policy", kind: "supavisor", mode: "transaction" },
    ],
    [
      "is nothing, where the URL shows Postgres itself",
      { targets: { main: { pooled: "postgresql://u@db.abc.supabase.co/postgres" } } },
      { declaredBy: "url", kind: "none" },
    ],
    [
      "is a PgBouncer of unknown version, where nobody says",
      { targets: { main: { pooled: "postgresql://u@pooler.internal:6432/app" } } },
      { declaredBy: "nobody", kind: "pgbouncer", version: undefined, mode: "transaction" },
    ],
    [
      "is the policy's for all targets, where the target says nothing",
      { pooler: { kind: "odyssey", version: "1.5.2" }, targets: { main: {} } },
      { declaredBy: "policy", kind: "odyssey", version: "1.5.2" },
    ],
    [
      "is the policy's with what the target adds",
      {
        pooler: { kind: "pgbouncer", version: "1.24" },
        targets: { main: { pooler: { kind: "pgbouncer", mode: "session" } } },
      },
      { declaredBy: "policy", kind: "pgbouncer", version: "1.24", mode: "session" },
    ],
    ...(["supabase", "neon", "rds-proxy"] as const).map(
      (preset) =>
        [
          `is that of the preset ${preset}`,
          { extends: ["recommended", preset], targets: { main: {} } },
          { declaredBy: "policy", kind: preset === "supabase" ? "supavisor" : preset },
        ] as const,
    ),
  ];
  for (const [says, policy, pooler] of table) {
    test(says, () => {
      expect(resolved(policy).targets["main"]?.pooler).toMatchObject(pooler);
    });
  }

  const AZURE_URL = "postgresql://u:p@x.postgres.database.azure.com/db";
  const places: readonly (readonly [
    url: string,
    environment: Readonly<Record<string, string>>,
    shown: string,
  ])[] = [
    [AZURE_URL, {}, "none"],
    [AZURE_URL, { PGPORT: "6432" }, "pgbouncer transaction"],
    [AZURE_URL, { PGPORT: "" }, "none"],
    [AZURE_URL.replace("/db", ":5432/db"), { PGPORT: "6432" }, "none"],
    [SESSION_URL.replace(":5432", ""), { PGPORT: "6543" }, "supavisor transaction"],
    ["postgresql:///db", { PGHOST: "db.abc.supabase.co" }, "none"],
    ["postgresql:///db", { PGHOST: "db.abc.supabase.co", PGPORT: "6543" }, "pgbouncer transaction"],
  ];
  for (const [url, environment, shown] of places) {
    test(`of ${url.replace(/\/\/.*@/u, "//")} with ${JSON.stringify(environment)}: ${shown}`, () => {
      const { pooler } = target(url, environment);

      expect(pooler.declaredBy).toBe("url");
      expect(pooler.kind === "none" ? "none" : `${pooler.kind} ${pooler.mode}`).toBe(shown);
    });
  }

  test("that refuses transactions is said once, and refused by nobody", () => {
    const policy = resolved({ pooler: { kind: "pgbouncer", version: "1.24", mode: "statement" } });

    expect(policy.notices).toEqual([
      expect.stringContaining("`main`: PgBouncer 1.24 in statement mode refuses BEGIN"),
    ]);
  });

  test("that was recognised is said once, by variable and pattern, without a secret", () => {
    const policy = resolved(
      { targets: { main: { pooled: { kind: "env", name: "DATABASE_URL" } } } },
      processWith({ DATABASE_URL: SUPABASE_URL }),
    );

    expect(policy.notices).toEqual([
      "Target `main` is taken for Supavisor in transaction mode, since env DATABASE_URL leads to `*.pooler.supabase.com:6543`. Declare it as `targets.main.pooler`.",
    ]);
  });

  test("is not said where the policy declares it, and a URL that nobody can read shows nothing", () => {
    const declared = resolved({
      targets: { main: { pooled: SUPABASE_URL, pooler: { kind: "supavisor" } } },
    });
    const unreadable = resolved(
      { targets: { main: { pooled: { kind: "env", name: "DATABASE_URL" } } } },
      processWith({ DATABASE_URL: "host=db user=u" }),
    );

    expect(declared.notices).toEqual([]);
    expect(unreadable.notices).toEqual([]);
    expect(unreadable.targets["main"]?.pooler.declaredBy).toBe("nobody");
  });
});

function target(pooled: string, environment: Readonly<Record<string, string>>): ResolvedTarget {
  const { main } = resolved({ targets: { main: { pooled } } }, processWith(environment)).targets;
  if (main === undefined) throw new Error("There is no target.");
  return main;
}

describe("pooler/differs, by the address", () => {
  const transaction: RecognisedPooler = {
    kind: "supavisor",
    mode: "transaction",
    by: "*.pooler.supabase.com:6543",
  };
  const session: RecognisedPooler = { ...transaction, mode: "session" };
  const postgres: RecognisedPooler = { kind: "none", by: "db.*.supabase.co:5432" };
  const table: readonly (readonly [
    says: string,
    pooler: Policy["pooler"],
    shown: RecognisedPooler,
    lane: LaneChoice["lane"],
    message: RegExp | undefined,
  ])[] = [
    ["the same kind and mode", { kind: "supavisor" }, transaction, "pooled", undefined],
    [
      "another kind",
      { kind: "pgbouncer", version: "1.24" },
      transaction,
      "pooled",
      /policy says PgBouncer 1\.24 in transaction mode, and the URL leads to Supavisor in transaction mode \(`\*\.pooler\.supabase\.com:6543`\)/,
    ],
    [
      "another mode",
      { kind: "supavisor" },
      session,
      "pooled",
      /leads to Supavisor in session mode/,
    ],
    [
      "nothing declared",
      undefined,
      transaction,
      "pooled",
      /declares no pooler, and PgBouncer of unknown version in transaction mode is assumed/,
    ],
    [
      "a pooler that is none",
      { kind: "pgbouncer" },
      postgres,
      "pooled",
      /leads to Postgres itself/,
    ],
    ["no pooler that is one", { kind: "none" }, transaction, "pooled", /Nothing stands between/],
    [
      "the direct lane to a pooler",
      { kind: "supavisor" },
      transaction,
      "direct",
      /This is the direct lane, and the URL leads to Supavisor/,
    ],
    [
      "the direct lane to a pooler in session mode",
      { kind: "supavisor" },
      session,
      "direct",
      undefined,
    ],
    ["the direct lane to Postgres", { kind: "supavisor" }, postgres, "direct", undefined],
    ["a replica through another", { kind: "pgcat" }, transaction, "replica", /leads to Supavisor/],
    ["a replica at Postgres itself", { kind: "supavisor" }, postgres, "replica", undefined],
  ];
  for (const [says, pooler, shown, lane = "pooled", message] of table) {
    test(`${says}: ${message === undefined ? "nothing" : "a finding"}`, () => {
      const policy = resolved(pooler === undefined ? {} : { pooler });

      const found = check(facts({ lane, recognised: fact(shown, "url") }), policy)
        .filter(({ rule }) => rule === "pooler/differs")
        .map(({ severity, path, message: text }) => [severity, path, text]);

      const expected = [["warn", "url", expect.stringMatching(message ?? /./u)]];
      expect(found).toEqual(message === undefined ? [] : expected);
    });
  }
});

describe("pooler/differs, by the login", () => {
  const announced: AnnouncedPooler = {
    version: "1.26.1",
    poolMode: "transaction",
    maxPreparedStatements: "200",
  };
  const table: readonly (readonly [
    says: string,
    pooler: NonNullable<Policy["pooler"]>,
    announced: AnnouncedPooler,
    lane: LaneChoice["lane"],
    message: RegExp | undefined,
  ])[] = [
    ["all as declared", { kind: "pgbouncer", version: "1.26.1" }, announced, "pooled", undefined],
    ["newer than declared", { kind: "pgbouncer", version: "1.24" }, announced, "pooled", undefined],
    ["of undeclared version", { kind: "pgbouncer" }, announced, "pooled", undefined],
    [
      "older than declared",
      { kind: "pgbouncer", version: "1.27" },
      announced,
      "pooled",
      /says PgBouncer 1\.27 .* and PgBouncer 1\.26\.1 answers, which can do less/,
    ],
    [
      "session mode declared, transaction mode there",
      { kind: "pgbouncer", mode: "session" },
      announced,
      "pooled",
      /pools in transaction mode: what a session sets stays/,
    ],
    [
      "transaction mode declared, session mode there",
      { kind: "pgbouncer" },
      { ...announced, poolMode: "session" },
      "pooled",
      /each client keeps a server connection/,
    ],
    [
      "transaction mode declared, statement mode there",
      { kind: "pgbouncer" },
      { ...announced, poolMode: "statement" },
      "pooled",
      /refuses transaction blocks/,
    ],
    [
      "named statements taken for tracked",
      { kind: "pgbouncer", version: "1.26" },
      { ...announced, maxPreparedStatements: "0" },
      "pooled",
      /`max_prepared_statements` of PgBouncer 1\.26\.1 is 0/,
    ],
    [
      "named statements declared as not tracked",
      { kind: "pgbouncer", version: "1.26", settings: { maxPreparedStatements: 0 } },
      { ...announced, maxPreparedStatements: "0" },
      "pooled",
      undefined,
    ],
    [
      "another kind",
      { kind: "odyssey" },
      announced,
      "pooled",
      /says Odyssey .* and PgBouncer 1\.26\.1 answers/,
    ],
    ["Neon, which has one inside", { kind: "neon" }, announced, "pooled", undefined],
    ["none declared", { kind: "none" }, announced, "pooled", /Nothing stands between this lane/],
    [
      "on the direct lane",
      { kind: "pgbouncer" },
      announced,
      "direct",
      /Nothing stands between this lane/,
    ],
    [
      "on the direct lane, in session mode",
      { kind: "pgbouncer" },
      { ...announced, poolMode: "session" },
      "direct",
      undefined,
    ],
    [
      "a version that is none",
      { kind: "pgbouncer", version: "1.27" },
      { version: "main" },
      "pooled",
      undefined,
    ],
  ];
  for (const [says, pooler, login, lane = "pooled", message] of table) {
    test(`${says}: ${message === undefined ? "nothing" : "a difference"}`, () => {
      const difference = differenceFromAnnounced(login, laneInUse(resolved({ pooler }), { lane }));

      expect(difference?.message ?? "none").toMatch(message ?? /^none$/u);
    });
  }

  const onReplica = laneInUse(resolved({ pooler: { kind: "rds-proxy" } }), { lane: "replica" });

  test("of a replica asks for a target of its own: what holds for the primary is right", () => {
    const difference = differenceFromAnnounced(announced, onReplica);

    expect(difference?.help).toBe(
      'Move the replicas to a target of their own, and set its `pooler.kind` to "pgbouncer".',
    );
  });
});

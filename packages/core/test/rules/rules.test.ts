import { describe, expect, test } from "vitest";

import {
  check,
  type ClientFacts,
  type Lane,
  type Policy,
  type PoolerPolicy,
  ruleIds,
  rules,
} from "../../src/index.ts";
import { fact, facts, resolved } from "../support.ts";

/** One client under one policy, and what the rule under test says about it. */
interface Case {
  readonly title: string;
  readonly facts: Partial<ClientFacts>;
  readonly pooler?: PoolerPolicy;
  readonly policy?: Policy;
  readonly lane?: Lane;
  /** `[part of the message, part of the help, path]` of each finding. */
  readonly finds: readonly (readonly [message: string, help: string, path: string])[];
}

const v118: PoolerPolicy = { kind: "pgbouncer", version: "1.18" };
const v124: PoolerPolicy = { kind: "pgbouncer", version: "1.24" };
const none: PoolerPolicy = { kind: "none" };

const parameter = (name: string, value = "5000", path = `extra.${name}`): Partial<ClientFacts> => ({
  startupParameters: [fact({ name, value }, path)],
});

const cases: Readonly<Record<string, readonly Case[]>> = {
  "naming/required": [
    { title: "a name", facts: { applicationName: fact("billing:deploy@web-1") }, finds: [] },
    {
      title: "no name, 1.18",
      facts: { applicationName: fact(undefined, "default of pg") },
      pooler: v118,
      finds: [["under the name of another client", "Set an `application_name`", "default of pg"]],
    },
    {
      title: "no name, 1.24",
      facts: { applicationName: fact(undefined) },
      pooler: v124,
      finds: [["nobody at the database can tell", "Set", "somewhere"]],
    },
    {
      title: "no name, and a remedy for all",
      facts: {
        applicationName: { value: undefined, path: "name (default of pg)", key: "name" },
        remedy: "Wrap it",
      },
      finds: [
        [
          "under the name",
          "Wrap it, or set `name` to a name of the form `{app}:{user}@{host}`.",
          "name (default of pg)",
        ],
      ],
    },
    {
      title: "a blank name",
      facts: { applicationName: fact("  ", "applicationName") },
      finds: [["name of another client", "Set", "applicationName"]],
    },
    {
      title: "no name, direct lane",
      facts: { applicationName: fact(undefined) },
      lane: "direct",
      finds: [["nobody at the database can tell", "Set", "somewhere"]],
    },
  ],
  "naming/template": [
    { title: "no name is another rule's", facts: { applicationName: fact(undefined) }, finds: [] },
    {
      title: "a name of the template",
      facts: { applicationName: fact("orders:root@batch") },
      finds: [],
    },
    {
      title: "a name of another form",
      facts: { applicationName: fact("my app", "applicationName") },
      finds: [
        ['"my app" is not of the form `{app}:{user}@{host}`', "Remove the name", "applicationName"],
      ],
    },
    {
      title: "a name with a line break is shown escaped",
      facts: { applicationName: fact("a\nb") },
      finds: [[String.raw`"a\nb"`, "Remove", "somewhere"]],
    },
    {
      title: "a template of one's own",
      facts: { applicationName: fact("billing/deploy") },
      policy: { naming: { app: "a", template: "{app}/{user}" } },
      finds: [],
    },
  ],
  "connections/no-client-pool": [
    { title: "one use a connection", facts: { usesPerConnection: fact(1) }, finds: [] },
    {
      title: "a pool",
      facts: { usesPerConnection: fact(Infinity, "extra.maxUses"), poolMax: fact(7) },
      finds: [["Up to 7 connections", "Set `maxUses: 1`", "extra.maxUses"]],
    },
    {
      title: "a pool, and a remedy for all",
      facts: {
        usesPerConnection: {
          value: Infinity,
          path: "extra.maxUses (default of pg)",
          key: "extra.maxUses",
        },
        remedy: "Wrap the options in `withPolicy(options, policy)`",
      },
      finds: [
        [
          "Up to 10",
          "Wrap the options in `withPolicy(options, policy)`, or set `extra.maxUses: 1`, so that",
          "extra.maxUses (default of pg)",
        ],
      ],
    },
    {
      title: "two uses",
      facts: { usesPerConnection: fact(2) },
      finds: [["Up to 10 connections", "Set", "somewhere"]],
    },
    {
      title: "an unbounded pool",
      facts: { usesPerConnection: fact(Infinity), poolMax: fact(Infinity) },
      policy: { rules: { "connections/max-per-process": "off" } },
      finds: [["Any number of connections", "Set", "somewhere"]],
    },
    {
      title: "an engine that keeps its connections",
      facts: { usesPerConnection: fact(Infinity), coverage: "configured" },
      finds: [["Up to 10", 'set `connections.reuse: "pool"`', "somewhere"]],
    },
    {
      title: "a policy with a pool",
      facts: { usesPerConnection: fact(Infinity) },
      policy: { connections: { reuse: "pool" } },
      finds: [],
    },
    { title: "no pooler", facts: { usesPerConnection: fact(Infinity) }, pooler: none, finds: [] },
    {
      title: "the direct lane",
      facts: { usesPerConnection: fact(Infinity) },
      lane: "direct",
      finds: [],
    },
    {
      title: "replicas",
      facts: { usesPerConnection: fact(Infinity) },
      lane: "replica",
      finds: [["Up to 10", "Set", "somewhere"]],
    },
    {
      title: "session mode",
      facts: { usesPerConnection: fact(Infinity) },
      pooler: { ...v124, mode: "session" },
      finds: [["Up to 10", "Set", "somewhere"]],
    },
  ],
  "connections/acquire-timeout": [
    {
      title: "no limit, and a key for one",
      facts: {
        acquireTimeoutMs: { value: Infinity, path: "wait (default of pg)", key: "wait" },
        remedy: "Wrap it",
      },
      finds: [["waits for ever", "Wrap it, or set `wait: 5000`.", "wait (default of pg)"]],
    },
    { title: "a limit", facts: { acquireTimeoutMs: fact(60_000) }, finds: [] },
    {
      title: "no limit",
      facts: { acquireTimeoutMs: fact(Infinity, "connectTimeoutMS") },
      finds: [["waits for ever", "such as 5000 ms", "connectTimeoutMS"]],
    },
    {
      title: "no limit, direct lane",
      facts: { acquireTimeoutMs: fact(Infinity) },
      lane: "direct",
      finds: [["waits for ever", "Set", "somewhere"]],
    },
    {
      title: "more than an enforced limit",
      facts: { acquireTimeoutMs: fact(60_000) },
      policy: { enforced: ["connections"] },
      finds: [["waits 60000 ms", "5000 ms or less", "somewhere"]],
    },
    {
      title: "less than an enforced limit",
      facts: { acquireTimeoutMs: fact(100) },
      policy: { enforced: ["connections"] },
      finds: [],
    },
  ],
  "connections/max-per-process": [
    {
      title: "too many, and a key for fewer",
      facts: { poolMax: { value: 20, path: "poolSize", key: "poolSize" }, remedy: "Wrap it" },
      finds: [
        [
          "20 connections",
          "Wrap it, or set `poolSize: 10`, or raise `connections.maxPerProcess`.",
          "poolSize",
        ],
      ],
    },
    { title: "as many as allowed", facts: { poolMax: fact(10) }, finds: [] },
    {
      title: "one more",
      facts: { poolMax: fact(11, "poolSize") },
      finds: [
        ["11 connections at a time, and the policy allows 10", "Set the limit to 10", "poolSize"],
      ],
    },
    {
      title: "no limit",
      facts: { poolMax: fact(Infinity) },
      finds: [["any number of connections", "Set", "somewhere"]],
    },
  ],
  "startup/no-unsupported-parameters": [
    {
      title: "statement_timeout, 1.18",
      facts: parameter("statement_timeout"),
      pooler: v118,
      finds: [
        [
          "`statement_timeout` goes out in the startup packet, and PgBouncer 1.18 refuses the connection.",
          "Move it to `transaction.statementTimeoutMs`; it is sent with BEGIN as SET LOCAL.",
          "extra.statement_timeout",
        ],
      ],
    },
    {
      title: "lock_timeout",
      facts: parameter("lock_timeout"),
      finds: [
        [
          "PgBouncer of unknown version refuses",
          "`transaction.lockTimeoutMs`",
          "extra.lock_timeout",
        ],
      ],
    },
    {
      title: "idle_in_transaction_session_timeout",
      facts: parameter("idle_in_transaction_session_timeout"),
      finds: [
        ["refuses", "`transaction.idleTimeoutMs`", "extra.idle_in_transaction_session_timeout"],
      ],
    },
    {
      title: "search_path, 1.26",
      facts: parameter("search_path", "tenant"),
      pooler: { kind: "pgbouncer", version: "1.26" },
      finds: [["refuses", "Qualify the names", "extra.search_path"]],
    },
    {
      title: "replication, 1.18",
      facts: parameter("replication", "database"),
      pooler: v118,
      finds: [["refuses", "Use the direct lane.", "extra.replication"]],
    },
    {
      title: "replication, 1.24",
      facts: parameter("replication", "database"),
      pooler: v124,
      finds: [],
    },
    {
      title: "role",
      facts: parameter("role", "app"),
      finds: [["refuses", "Connect as that role", "extra.role"]],
    },
    {
      title: "extra_float_digits",
      facts: parameter("extra_float_digits", "3"),
      finds: [["refuses", "`ALTER ROLE … SET extra_float_digits`", "extra.extra_float_digits"]],
    },
    { title: "TimeZone in any case", facts: parameter("timezone", "UTC"), pooler: v118, finds: [] },
    {
      title: "a parameter that the pooler is told to ignore",
      facts: parameter("statement_timeout"),
      pooler: { ...v124, settings: { ignoreStartupParameters: ["statement_timeout"] } },
      finds: [
        [
          "PgBouncer 1.24 drops it without a word",
          "Move it to `transaction.statementTimeoutMs`",
          "extra.statement_timeout",
        ],
      ],
    },
    {
      title: "options, 1.18",
      facts: parameter("options", "-c TimeZone=UTC", "env PGOPTIONS"),
      pooler: v118,
      finds: [
        [
          "`options` goes out in the startup packet, and PgBouncer 1.18 refuses",
          "`ALTER ROLE … SET TimeZone`",
          "env PGOPTIONS",
        ],
      ],
    },
    {
      title: "options of several parameters, 1.18",
      facts: parameter("options", "-c a=1 -c b=2"),
      pooler: v118,
      finds: [["`options`", "set each parameter where it takes effect", "extra.options"]],
    },
    {
      title: "options of a tracked parameter, 1.24",
      facts: parameter("options", "-c TimeZone=UTC --IntervalStyle=iso_8601"),
      pooler: v124,
      finds: [],
    },
    {
      title: "options by which strings are read otherwise, 1.24",
      facts: parameter("options", "-c TimeZone=UTC -c Standard_Conforming_Strings=off"),
      pooler: v124,
      finds: [["`standard_conforming_strings`", "Remove it", "extra.options"]],
    },
    {
      title: "an encoding in which texts are read otherwise",
      facts: parameter("client_encoding", "SJIS"),
      finds: [["`client_encoding`", "Remove it", "extra.client_encoding"]],
    },
    {
      title: "the encoding and the strings that texts are read with",
      facts: parameter("options", "-c client_encoding=utf-8 -c standard_conforming_strings=ON"),
      pooler: v124,
      finds: [],
    },
    {
      title: "options of a limit, 1.24",
      facts: parameter("options", "-c TimeZone=UTC -c statement_timeout=5s"),
      pooler: v124,
      finds: [
        [
          "`options` carries `statement_timeout`",
          "Move it to `transaction.statementTimeoutMs`",
          "extra.options",
        ],
      ],
    },
    {
      title: "options with a switch, 1.24",
      facts: parameter("options", "-B 100"),
      pooler: v124,
      finds: [["switches that are no `-c name=value`", "Remove them", "extra.options"]],
    },
    {
      title: "options that the pooler is told to ignore, 1.18",
      facts: parameter("options", "-c lock_timeout=5s"),
      pooler: { ...v118, settings: { ignoreStartupParameters: ["options"] } },
      finds: [["drops it without a word", "`transaction.lockTimeoutMs`", "extra.options"]],
    },
    {
      title: "options of a limit in another case, 1.18",
      facts: parameter("options", "-c Statement_Timeout=1"),
      pooler: v118,
      finds: [["refuses the connection.", "`transaction.statementTimeoutMs`", "extra.options"]],
    },
    {
      title: "options of a parameter that the pooler is told to ignore, 1.24",
      facts: parameter("options", "-c statement_timeout=5s -c lock_timeout=5s"),
      pooler: { ...v124, settings: { ignoreStartupParameters: ["statement_timeout"] } },
      finds: [
        [
          "`statement_timeout` in the startup packet, and PgBouncer 1.24 drops it",
          "",
          "extra.options",
        ],
        ["`lock_timeout` in the startup packet, and PgBouncer 1.24 refuses", "", "extra.options"],
      ],
    },
    {
      title: "a parameter that PgCat does not look at",
      facts: parameter("search_path", "tenant"),
      pooler: { kind: "pgcat" },
      finds: [["PgCat of unknown version drops it without a word", "Qualify", "extra.search_path"]],
    },
    {
      title: "options that PgCat does not look at",
      facts: parameter("options", "-c search_path=tenant"),
      pooler: { kind: "pgcat" },
      finds: [["PgCat of unknown version drops it without a word", "Qualify", "extra.options"]],
    },
    {
      title: "a pooler of which it is not known",
      facts: parameter("search_path", "tenant"),
      pooler: { kind: "supavisor" },
      finds: [
        ["Supavisor refuses the connection or drops the setting", "Qualify", "extra.search_path"],
      ],
    },
    {
      title: "a name that every object has",
      facts: parameter("options", "-c constructor=1"),
      pooler: v124,
      finds: [["carries `constructor`", "`ALTER ROLE … SET constructor`", "extra.options"]],
    },
    { title: "empty options", facts: parameter("options", " "), pooler: v118, finds: [] },
    { title: "the direct lane", facts: parameter("statement_timeout"), lane: "direct", finds: [] },
    {
      title: "options on the direct lane",
      facts: parameter("options", "-B 100"),
      lane: "direct",
      finds: [],
    },
    { title: "no pooler", facts: parameter("search_path", "tenant"), pooler: none, finds: [] },
  ],
  "statements/no-named": [
    { title: "no names", facts: { namedStatements: fact(false) }, pooler: v118, finds: [] },
    {
      title: "names, 1.18",
      facts: { namedStatements: fact(true, "statementNameGenerator") },
      pooler: v118,
      finds: [["PgBouncer 1.18 does not carry them", "Remove the names", "statementNameGenerator"]],
    },
    { title: "names, 1.24", facts: { namedStatements: fact(true) }, pooler: v124, finds: [] },
    {
      title: "names, 1.24 with tracking switched off",
      facts: { namedStatements: fact(true) },
      pooler: { ...v124, settings: { maxPreparedStatements: 0 } },
      finds: [["does not carry them", "Remove", "somewhere"]],
    },
    {
      title: "names, direct lane",
      facts: { namedStatements: fact(true) },
      pooler: v118,
      lane: "direct",
      finds: [],
    },
  ],
  "statements/no-abandoned": [
    { title: "no limit of the client", facts: { abandonQueryAfterMs: undefined }, finds: [] },
    {
      title: "query_timeout",
      facts: { abandonQueryAfterMs: fact(250, "extra.query_timeout") },
      finds: [["After 250 ms", "`transaction.statementTimeoutMs`", "extra.query_timeout"]],
    },
    {
      title: "query_timeout, direct lane",
      facts: { abandonQueryAfterMs: fact(250) },
      lane: "direct",
      finds: [["After 250 ms", "Move", "somewhere"]],
    },
  ],
  "lanes/no-boot-ddl": [
    { title: "nothing", facts: { bootStatements: [] }, finds: [] },
    {
      title: "two of them",
      facts: {
        bootStatements: [
          fact("`synchronize`", "synchronize"),
          fact("CREATE EXTENSION", "installExtensions"),
        ],
      },
      finds: [
        ["`synchronize` runs through the pooler", "direct lane", "synchronize"],
        ["CREATE EXTENSION runs", "direct lane", "installExtensions"],
      ],
    },
    {
      title: "the direct lane",
      facts: { bootStatements: [fact("`synchronize`")] },
      lane: "direct",
      finds: [],
    },
    {
      title: "no pooler",
      facts: { bootStatements: [fact("`synchronize`")] },
      pooler: none,
      finds: [],
    },
  ],
  "settings/no-ignored": [
    { title: "nothing", facts: { ignoredSettings: [] }, finds: [] },
    {
      title: "pgbouncer=true",
      facts: {
        ignoredSettings: [fact({ name: "pgbouncer", instead: "Remove it." }, "url?pgbouncer")],
      },
      finds: [["`pgbouncer` has no effect: some-orm accepts it", "Remove it.", "url?pgbouncer"]],
    },
  ],
  "pooler/differs": [
    { title: "an address of nobody", facts: {}, finds: [] },
    {
      title: "another pooler",
      facts: { recognised: fact({ kind: "neon", by: "*-pooler.*.neon.tech" }, "url") },
      pooler: { kind: "pgbouncer", version: "1.18" },
      finds: [["says PgBouncer 1.18 in transaction mode", 'kind: "neon"', "url"]],
    },
    {
      title: "a replica at Postgres itself",
      facts: { recognised: fact({ kind: "none", by: "*.rds.amazonaws.com" }, "url") },
      pooler: { kind: "rds-proxy" },
      lane: "replica",
      finds: [],
    },
    {
      title: "a replica behind another pooler",
      facts: { recognised: fact({ kind: "neon", by: "*-pooler.*.neon.tech" }, "url") },
      pooler: { kind: "rds-proxy" },
      lane: "replica",
      finds: [["leads to Neon's pooler", "Move the replicas to a target of their own", "url"]],
    },
    {
      title: "the direct lane through a pooler",
      facts: { recognised: fact({ kind: "neon", by: "*-pooler.*.neon.tech" }, "url") },
      lane: "direct",
      finds: [["This is the direct lane", "`targets.main.direct`", "url"]],
    },
  ],
  "settings/no-contradiction": [
    { title: "nothing", facts: { contradictions: [] }, finds: [] },
    {
      title: "a port that the URL replaces",
      facts: { contradictions: [fact({ setting: "port", wins: "url" }, "extra.port")] },
      finds: [["`extra.port` has no effect: `url` takes its place", "Remove it", "extra.port"]],
    },
    {
      title: "a direct lane that is the pooled one",
      facts: {},
      policy: {
        targets: { main: { pooled: "postgres://a@h:6432/d", direct: "postgres://b@H:6432/d" } },
      },
      lane: "direct",
      finds: [["leads to the same place", "around the pooler", "targets.main.direct"]],
    },
    {
      title: "two lanes of which the other one is in use",
      facts: {},
      policy: {
        targets: { main: { pooled: "postgres://a@h:6432/d", direct: "postgres://a@h:6432/d" } },
      },
      finds: [],
    },
    {
      title: "a direct lane to another port",
      facts: {},
      policy: {
        targets: { main: { pooled: "postgres://a@h:6432/d", direct: "postgres://a@h/d" } },
      },
      lane: "direct",
      finds: [],
    },
    {
      title: "two lanes of one place where nothing pools",
      facts: {},
      policy: {
        targets: { main: { pooler: none, pooled: "postgres://a@h/d", direct: "postgres://a@h/d" } },
      },
      lane: "direct",
      finds: [],
    },
  ],
  "settings/explicit-tls": [
    { title: "nothing", facts: {}, finds: [] },
    {
      title: "no-verify, which says what it does",
      facts: {
        tlsMode: fact({ written: "sslmode=no-verify", does: "no-verify", standing: "explicit" }),
      },
      finds: [],
    },
    {
      title: "require",
      facts: {
        tlsMode: fact(
          { written: "sslmode=require", does: "verify-full", standing: "ambiguous" },
          "url?sslmode",
        ),
      },
      finds: [["`sslmode=require` means something else", "`sslmode=verify-full`", "url?sslmode"]],
    },
    {
      title: "allow in a variable",
      facts: {
        tlsMode: fact(
          { written: "PGSSLMODE=allow", does: "off", standing: "unknown" },
          "env PGSSLMODE",
        ),
      },
      finds: [["no mode that the client knows: it connects without TLS", "Use", "env PGSSLMODE"]],
    },
  ],
  "driver/no-native": [
    { title: "the JavaScript driver", facts: { nativeDriver: fact(false) }, finds: [] },
    {
      title: "the native driver",
      facts: { nativeDriver: fact(true, "nativeDriver") },
      finds: [["goes around the policy", "Remove `pg-native`", "nativeDriver"]],
    },
    {
      title: "the native driver on the direct lane",
      facts: { nativeDriver: fact(true) },
      lane: "direct",
      finds: [["goes around the policy", "Remove", "somewhere"]],
    },
  ],
  "unit/required-setting": [
    { title: "an engine, and nothing is required", facts: { coverage: "configured" }, finds: [] },
    {
      title: "a guarded client, which is held to it at run time",
      facts: { coverage: "checked" },
      policy: { targets: { main: { requireSetting: ["app.tenant"] } } },
      finds: [],
    },
    {
      title: "an engine that sends no setting",
      facts: { coverage: "configured" },
      policy: { targets: { main: { requireSetting: ["app.tenant"] } } },
      finds: [
        ["sees no tenant", "Use a client whose driver is guarded", "targets.main.requireSetting"],
      ],
    },
    {
      title: "an engine on the direct lane",
      facts: { coverage: "configured" },
      policy: { targets: { main: { requireSetting: ["app.tenant"] } } },
      lane: "direct",
      finds: [],
    },
  ],
};

for (const [id, table] of Object.entries(cases)) {
  describe(id, () => {
    for (const { title, facts: changes, pooler, policy, lane, finds } of table) {
      test(`${title}: ${finds.length === 0 ? "nothing" : finds.map(([message]) => message).join("; ")}`, () => {
        const target = pooler === undefined ? {} : { pooler };

        const found = check(
          facts({ ...changes, lane: lane ?? "pooled" }),
          resolved({ targets: { main: target }, ...policy }),
        );

        const own = found.filter(({ rule }) => rule === id);
        expect(own.map(({ message, help, path }) => [message, help, path])).toEqual(
          finds.map(([message, help, path]) => [
            expect.stringContaining(message),
            expect.stringContaining(help),
            path,
          ]),
        );
        // One fault has one rule: nothing else speaks of it.
        expect(found).toEqual(finds.length > 0 ? own : found);
      });
    }
  });
}

describe("every rule", () => {
  test("is walked by a table here", () => {
    expect(Object.keys(cases).toSorted()).toEqual(rules.map(({ id }) => id).toSorted());
  });

  test("has an id of its own, and the ids of run time follow those of the check", () => {
    expect(new Set(ruleIds).size).toBe(ruleIds.length);
    expect(ruleIds.slice(0, rules.length)).toEqual(rules.map(({ id }) => id));
    expect(ruleIds).toEqual(
      expect.arrayContaining([
        "transaction/left-open",
        "transaction/idle",
        "transaction/limits",
        "connections/acquire-timeout",
      ]),
    );
  });

  test("says its help as an imperative, and ends every sentence", () => {
    const everything = Object.values(cases).flatMap((table) =>
      table.flatMap(({ facts: changes, pooler, policy, lane }) =>
        check(
          facts({ ...changes, lane: lane ?? "pooled" }),
          resolved({ targets: { main: pooler === undefined ? {} : { pooler } }, ...policy }),
        ),
      ),
    );

    const odd = everything.filter(
      ({ message, help }) =>
        !message.endsWith(".") ||
        !/^(?:Set|Move|Remove|Use|Qualify|Connect|Wrap) .*\.$/u.test(help),
    );

    expect(odd).toEqual([]);
  });
});

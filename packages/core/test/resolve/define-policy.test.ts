import { inspect } from "node:util";

import { describe, expect, test } from "vitest";

import { definePolicy, env, isPolicy, isPolicyError, resolvePolicy } from "../../src/index.ts";
import { PROCESS, silent, thrownBy, untyped } from "../support.ts";

const SECRET = "postgresql://deploy:hunter2@db.example/billing";

/** Policies as JavaScript users write them, and what the error has to say. */
const invalid: readonly (readonly [title: string, policy: unknown, path: string, says: string])[] =
  [
    ["no object", undefined, "", "The policy is undefined, and a policy is an object."],
    ["a list", [], "", "The policy is a list, and a policy is an object."],
    [
      "an unknown section",
      { conections: {} },
      "conections",
      "`conections` is not a key of a policy; did you mean `connections`?",
    ],
    [
      "an unknown key",
      { connections: { maxPerProces: 5 } },
      "connections.maxPerProces",
      "`maxPerProces` is not a key of `connections`; did you mean `maxPerProcess`?",
    ],
    [
      "an unknown key that resembles none",
      { connections: { zebra: 5 } },
      "connections.zebra",
      "`zebra` is not a key of `connections`; allowed is `reuse`, `maxPerProcess`",
    ],
    [
      "an unknown key of a target",
      { targets: { main: { poled: SECRET } } },
      "targets.main.poled",
      "did you mean `pooled`?",
    ],
    [
      "an unknown key of an exception",
      { allow: [{ rule: "naming/required", reason: "x", untill: "2027-01-01" }] },
      "allow.0.untill",
      "did you mean `until`?",
    ],
    [
      "a negative number",
      { connections: { maxPerProcess: -1 } },
      "connections.maxPerProcess",
      "`connections.maxPerProcess` is -1; allowed is a whole number from 1 to",
    ],
    [
      "zero where it would mean for ever",
      { connections: { acquireTimeoutMs: 0 } },
      "connections.acquireTimeoutMs",
      "is 0; allowed is a whole number from 1",
    ],
    [
      "lingerMs as -1",
      { connections: { lingerMs: -1 } },
      "connections.lingerMs",
      "`connections.lingerMs` is -1; allowed is a whole number from 0 (none) to",
    ],
    [
      "minPerProcess as 0.5",
      { connections: { minPerProcess: 0.5 } },
      "connections.minPerProcess",
      "`connections.minPerProcess` is 0.5; allowed is a whole number from 0 (none) to",
    ],
    [
      "maxLifetimeMs as Infinity",
      { connections: { maxLifetimeMs: Infinity } },
      "connections.maxLifetimeMs",
      "`connections.maxLifetimeMs` is Infinity; allowed is a whole number from 0 (none) to",
    ],
    [
      "pipelineHandshake as yes",
      { connections: { pipelineHandshake: "yes" } },
      "connections.pipelineHandshake",
      '`connections.pipelineHandshake` is "yes"; allowed is true or false.',
    ],
    [
      "no finite number",
      { connections: { acquireTimeoutMs: Infinity } },
      "connections.acquireTimeoutMs",
      "is Infinity; allowed is",
    ],
    [
      "no number at all",
      { transaction: { timeoutMs: Number.NaN } },
      "transaction.timeoutMs",
      "is NaN; allowed is a whole number from 0 (none)",
    ],
    [
      "a fraction",
      { transaction: { timeoutMs: 1.5 } },
      "transaction.timeoutMs",
      "is 1.5; allowed is",
    ],
    [
      "a number as a text",
      { transaction: { timeoutMs: "30s" } },
      "transaction.timeoutMs",
      'is "30s"; allowed is',
    ],
    [
      "a wait of a unit without a limit",
      { units: { stallMs: 0 } },
      "units.stallMs",
      "`units.stallMs` is 0; allowed is a whole number from 1",
    ],
    [
      "a negative wait at a unit's end",
      { units: { settleTimeoutMs: -1 } },
      "units.settleTimeoutMs",
      "is -1; allowed is a whole number from 0 (none)",
    ],
    [
      "a word in place of true or false",
      { transaction: { lazyBegin: "yes" } },
      "transaction.lazyBegin",
      '`transaction.lazyBegin` is "yes"; allowed is true or false.',
    ],
    [
      "one host in place of a list",
      { externalCalls: { ignoreHosts: "collector" } },
      "externalCalls.ignoreHosts",
      'is "collector"; allowed is a list.',
    ],
    [
      "a URL in place of a host",
      { externalCalls: { ignoreHosts: ["collector", "https://u:hunter2@collector"] } },
      "externalCalls.ignoreHosts.1",
      "is a text that may hold a secret; allowed is a host such as localhost or *.example.com",
    ],
    [
      "a key of a section that nothing of a service sets",
      { enforced: ["externalCalls"] },
      "enforced.0",
      '`enforced.0` is "externalCalls"; allowed is one of "naming",',
    ],
    [
      "more than Postgres takes",
      { transaction: { timeoutMs: 2_147_483_648 } },
      "transaction.timeoutMs",
      "2147483647",
    ],
    [
      "a mistyped choice",
      { mode: "enforced" },
      "mode",
      '`mode` is "enforced"; did you mean "enforce"?',
    ],
    [
      "a choice that resembles none",
      { mode: "yes" },
      "mode",
      '`mode` is "yes"; allowed is one of "observe", "enforce", "bypass".',
    ],
    [
      "a section that is none",
      { naming: "billing" },
      "naming",
      '`naming` is "billing"; allowed is an object.',
    ],
    [
      "a section that is a list",
      { naming: [] },
      "naming",
      "`naming` is a list; allowed is an object.",
    ],
    [
      "a section that is null",
      { naming: null },
      "naming",
      "`naming` is null; allowed is an object.",
    ],
    [
      "a pooler without a kind",
      { targets: { main: { pooler: { mode: "session" } } } },
      "targets.main.pooler.kind",
      '`targets.main.pooler.kind` is missing; allowed is one of "pgbouncer", "supavisor",',
    ],
    [
      "an unknown pooler",
      { targets: { main: { pooler: { kind: "pgbuncer" } } } },
      "targets.main.pooler.kind",
      'did you mean "pgbouncer"?',
    ],
    [
      "a version that is a number",
      { targets: { main: { pooler: { kind: "pgbouncer", version: 1.24 } } } },
      "targets.main.pooler.version",
      "is 1.24; allowed is a version such as",
    ],
    [
      "a version that is none",
      { targets: { main: { pooler: { kind: "pgbouncer", version: "latest" } } } },
      "targets.main.pooler.version",
      'is "latest"; allowed is a version such as',
    ],
    [
      "a target's name with a blank",
      { targets: { "my db": {} } },
      "targets.my db",
      "`my db` is not a key of `targets`",
    ],
    [
      "a target's name that objects use themselves",
      { targets: { constructor: {} } },
      "targets.constructor",
      "`constructor` is not a key of `targets`",
    ],
    [
      "a rule that does not exist",
      { rules: { "naming/requird": "off" } },
      "rules.naming/requird",
      "did you mean `naming/required`?",
    ],
    [
      "a level that does not exist",
      { rules: { "naming/required": "eror" } },
      "rules.naming/required",
      'did you mean "error"?',
    ],
    [
      "a bare level for a rule that has no check",
      { rules: { "session-state/no-set": "off" } },
      "rules.session-state/no-set",
      '`rules.session-state/no-set` is "off", which sets its check alone, and this rule has no check: it holds at run time. Write `{ runtime: "off" }` for the rule.',
    ],
    [
      "a bare error for a rule that has no check",
      { rules: { "transaction/idle": "error" } },
      "rules.transaction/idle",
      'Write `{ runtime: "refuse" }` for the rule.',
    ],
    [
      "a check for a rule that has none",
      { rules: { "transaction/idle": { check: "warn", runtime: "warn" } } },
      "rules.transaction/idle.check",
      '`rules.transaction/idle.check` is "warn", and this rule has no check: it holds at run time. Leave `check` out.',
    ],
    [
      "a list for a rule",
      { rules: { "session-state/no-set": ["off"] } },
      "rules.session-state/no-set",
      "`rules.session-state/no-set` is a list, which sets nothing.",
    ],
    [
      "a run-time level for a rule of the check",
      { rules: { "naming/required": { check: "warn", runtime: "refuse" } } },
      "rules.naming/required.runtime",
      '`rules.naming/required.runtime` is "refuse", and this rule is looked for in the check alone: at run time it does nothing. Leave `runtime` out.',
    ],
    [
      "an unknown key of a rule's setting",
      { rules: { "naming/required": { chek: "off" } } },
      "rules.naming/required.chek",
      "did you mean `check`?",
    ],
    [
      "an exception without a reason",
      { allow: [{ rule: "naming/required" }] },
      "allow.0.reason",
      "`allow.0.reason` is missing",
    ],
    [
      "an exception until no day",
      { allow: [{ rule: "naming/required", reason: "x", until: "2026-02-30" }] },
      "allow.0.until",
      'is "2026-02-30"; allowed is a day',
    ],
    [
      "an enforced key that does not exist",
      { enforced: ["connections.maxPerProces"] },
      "enforced.0",
      'did you mean "connections.maxPerProcess"?',
    ],
    [
      "a reporter that is no function",
      { onViolation: "log" },
      "onViolation",
      "allowed is a function",
    ],
    [
      "an unknown preset",
      { extends: "@acme/door-policy" },
      "extends",
      'the presets are "recommended", "strict", "pgbouncer", "serverless", "supabase", "neon", "rds-proxy".',
    ],
    [
      "a wrong policy in a list of bases",
      { extends: ["strict", { mode: 1 }] },
      "extends.1.mode",
      "`extends.1.mode` is 1; allowed is one of",
    ],
    [
      "a URL that is a number",
      { targets: { main: { pooled: 6432 } } },
      "targets.main.pooled",
      '`targets.main.pooled` is a number; allowed is a connection URL or `env("NAME")`.',
    ],
    [
      "an environment variable without a name",
      { targets: { main: { pooled: { kind: "env" } } } },
      "targets.main.pooled",
      "is `env()` of undefined; allowed is the name of an environment variable",
    ],
    [
      "an environment variable that no shell can set",
      { targets: { main: { replicas: [env("DATABASE-URL")] } } },
      "targets.main.replicas.0",
      '`targets.main.replicas.0` is `env()` of "DATABASE-URL"; allowed is the name of an environment variable: letters, digits and `_`, the first no digit.',
    ],
    [
      "a URL in place of a variable's name",
      { targets: { main: { pooled: env("postgres://u:hunter2@h/db") } } },
      "targets.main.pooled",
      "is `env()` of a connection URL; allowed is the name",
    ],
    [
      "another text in place of a variable's name",
      { targets: { main: { pooled: env("u:hunter2@h") } } },
      "targets.main.pooled",
      "is `env()` of a text; allowed is the name",
    ],
    [
      "a URL in place of a target's name",
      { targets: { "postgres://u:hunter2@h/db": {} } },
      "targets.[hidden]",
      "`[hidden]` is not a key of `targets`",
    ],
    [
      "a URL in place of a rule's id",
      { rules: { "postgres://u:hunter2@h/db": "off" } },
      "rules.[hidden]",
      "`[hidden]` is not a key of `rules`",
    ],
    ["a promise", Promise.resolve({}), "", "The policy is a Promise, and a policy is an object."],
    ["a module that exports a policy", { policy: {} }, "", "Pass its `policy`."],
    [
      "CommonJS that exports a policy",
      { default: { policy: definePolicy({}) } },
      "",
      "Pass its `default.policy`.",
    ],
    [
      "a policy under another name",
      { dbPolicy: definePolicy({}), other: 1 },
      "",
      "The policy is an object that holds a policy as `dbPolicy`, and is none itself. Pass its `dbPolicy`.",
    ],
  ];

describe("a policy with a URL in it", () => {
  const written = {
    targets: {
      main: { pooled: "postgres://u:hunter2@h/db", replicas: ["postgresql://u:hunter2@r"] },
    },
  };
  const policy = definePolicy({ extends: written, ...written });

  test("is printed without it, whole and in parts", () => {
    const { targets } = policy;

    const printed = [policy, targets, targets.main, targets.main.replicas, { ...policy }].flatMap(
      (part) => [inspect(part, { depth: 9, showHidden: true }), JSON.stringify(part)],
    );

    expect(printed.join("\n")).not.toContain("hunter2");
    expect(JSON.parse(JSON.stringify(policy))).toMatchObject({
      targets: { main: { pooled: "[connection URL]", replicas: ["[connection URL]"] } },
    });
  });

  test("compares and spreads as it was written", () => {
    expect({ ...policy }).toStrictEqual({ extends: written, ...written });
    expect(resolvePolicy(policy, PROCESS).targets["main"]?.lanes.pooled.url?.reveal()).toBe(
      "postgres://u:hunter2@h/db",
    );
  });
});

describe("an error names the key, the value and what is allowed", () => {
  for (const [title, policy, path, says] of invalid) {
    test(title, () => {
      const given = untyped(policy);

      const defining = thrownBy(() => definePolicy(given));
      const resolving = thrownBy(() => resolvePolicy(given, PROCESS));

      for (const error of [defining, resolving]) {
        expect(isPolicyError(error)).toBe(true);
        expect(error).toMatchObject({ code: "policy/invalid", path });
        expect(String(error)).toContain(says);
        expect(inspect(error)).not.toContain("hunter2");
      }
    });
  }

  const hosts = ["db:4318", "*", "*.", "a.*.com", "*example.com", ".com", "a b", "", "a/b", "a..b"];
  for (const host of hosts) {
    test(`externalCalls.ignoreHosts ${JSON.stringify(host)} is refused, since it would match nothing`, () => {
      const error = thrownBy(() => definePolicy({ externalCalls: { ignoreHosts: [host] } }));

      expect(error).toMatchObject({ path: "externalCalls.ignoreHosts.0" });
    });
  }

  const names: readonly (readonly [key: string, value: string])[] = [
    ["app", "billing\0"],
    ["app", "bill\ning"],
    ["user", "\u001b[31m"],
    ["host", "web\u0085"],
    ["app", ""],
    ["template", "{app}{user}"],
    ["template", "{service}"],
  ];
  for (const [key, value] of names) {
    test(`naming.${key} ${JSON.stringify(value)} is refused, not silently replaced`, () => {
      const error = thrownBy(() => definePolicy({ naming: { [key]: value } }));

      expect(error).toMatchObject({ code: "naming/invalid", path: `naming.${key}` });
      expect(String(error)).toContain(`\`naming.${key}\` is ${JSON.stringify(value)}`);
    });
  }

  test("several problems are listed together", () => {
    const policy = {
      connections: { maxPerProces: 5, acquireTimeoutMs: -1 },
      naming: { app: "a\0" },
      targets: { main: { pooled: "mysql://root:hunter2@db" } },
    };

    const error = thrownBy(() => definePolicy(policy));

    const text = String(error);
    expect(error).toMatchObject({ code: "policy/invalid" });
    expect(text).toContain("The policy has 4 problems:");
    for (const key of [
      "`maxPerProces`",
      "acquireTimeoutMs",
      "`naming.app`",
      "`targets.main.pooled`",
    ]) {
      expect(text).toContain(key);
    }
    expect(inspect(error)).not.toContain("hunter2");
  });
});

describe("a URL shows up in no error", () => {
  const misplaced: readonly unknown[] = [
    { targets: SECRET },
    { targets: { main: SECRET } },
    { targets: { main: { pooler: SECRET } } },
    { targets: { main: { pooled: SECRET.replace("postgresql", "mysql") } } },
    { targets: { main: { pooled: ` ${SECRET}` } } },
    { targets: { main: { pooled: [SECRET] } } },
    { targets: { main: { direct: `"${SECRET}"` } } },
    { targets: { main: { replicas: [SECRET.replace("hunter2", "hunter2/x")] } } },
    { targets: { main: { pooled: "host=db password=hunter2" } } },
    { naming: { template: SECRET } },
    { naming: SECRET },
    { extends: SECRET },
    { mode: SECRET },
    { connections: SECRET },
    { connections: { maxPerProcess: SECRET } },
    { mode: "host=db password=hunter2" },
  ];
  for (const policy of misplaced) {
    test(JSON.stringify(policy).replaceAll("hunter2", "…"), () => {
      const error = thrownBy(() => definePolicy(untyped(policy)));

      expect(isPolicyError(error)).toBe(true);
      expect(inspect(error)).not.toContain("hunter2");
    });
  }
});

describe("a policy that is defined", () => {
  test("may turn a rule off in both places, also where it has one", () => {
    const off = { check: "off", runtime: "off" } as const;
    const rules = { "session-state/no-set": off, "naming/required": off };

    expect(definePolicy({ rules }).rules).toEqual(rules);
  });

  test("is a frozen copy, and what was given is left alone", () => {
    const given = {
      connections: { maxPerProcess: 5 },
      targets: { main: { pooled: env("DATABASE_URL") } },
    };

    const policy = definePolicy(given);
    given.connections.maxPerProcess = 6;

    expect(policy.connections.maxPerProcess).toBe(5);
    expect(Object.isFrozen(policy.connections) && Object.isFrozen(policy.targets.main)).toBe(true);
  });

  test("keeps the reporter by identity, and a policy that it extends", () => {
    const team = definePolicy({ mode: "enforce" });

    const policy = definePolicy({ extends: team, onViolation: silent });

    expect(policy.onViolation).toBe(silent);
    expect(policy.extends).toBe(team);
  });

  test("is recognised as one; a plain object and a changed copy are not", () => {
    const policy = definePolicy({ mode: "enforce" });

    const answers = [policy, { ...policy }, { mode: "enforce" }, null, "policy"].map(isPolicy);

    expect(answers).toEqual([true, false, false, false, false]);
  });

  test("is given back as it is when it is defined again", () => {
    const policy = definePolicy({ mode: "enforce" });

    const again = definePolicy(policy);

    expect(again).toEqual(policy);
    expect(isPolicy(again)).toBe(true);
  });
});

test("hosts are names, addresses, and all names below one", () => {
  const ignoreHosts = [
    "localhost",
    "otel_collector-1",
    "*.example.com",
    "10.0.0.1",
    "::1",
    "fe80::1",
  ];

  const policy = definePolicy({ externalCalls: { ignoreHosts } });

  expect(policy.externalCalls.ignoreHosts).toEqual(ignoreHosts);
});

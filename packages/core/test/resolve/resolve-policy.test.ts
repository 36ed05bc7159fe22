import { inspect } from "node:util";

import { describe, expect, test } from "vitest";

import { definePolicy, env, type Policy, resolvePolicy } from "../../src/index.ts";
import {
  alsoSilent,
  PROCESS,
  processWith,
  resolved,
  silent,
  thrownBy,
  untyped,
} from "../support.ts";

describe("what a policy does not say", () => {
  test("is as `recommended` says, with one target behind the least capable PgBouncer", () => {
    const policy = resolvePolicy({}, PROCESS);

    expect(policy).toMatchObject({
      connections: {
        reuse: "none",
        maxPerProcess: 10,
        acquireTimeoutMs: 5_000,
        idleTimeoutMs: 5_000,
        heldIdleWarnMs: 5_000,
        heldIdleReclaimMs: 60_000,
      },
      transaction: {
        idleTimeoutMs: 5_000,
        timeoutMs: 30_000,
        statementTimeoutMs: 0,
        lockTimeoutMs: 0,
        lazyBegin: false,
      },
      units: { stallMs: 2_000, settleTimeoutMs: 1_000 },
      externalCalls: { ignoreHosts: [] },
      notices: [],
      onViolation: undefined,
    });
    expect(Object.keys(policy.targets)).toEqual(["main"]);
    expect(policy.targets["main"]).toMatchObject({
      mode: "observe",
      pooler: { kind: "pgbouncer", version: undefined, mode: "transaction" },
      lanes: { pooled: { url: undefined, missing: "`targets.main.pooled` is not set" } },
    });
    expect(policy.isEnforced("connections.reuse")).toBe(false);
  });

  test("`strict` acts, limits statements and locks, checks everything as an error and lets nothing be overridden", () => {
    const policy = resolved({ extends: "strict" });

    expect(policy.targets["main"]?.mode).toBe("enforce");
    expect(policy.transaction).toMatchObject({ statementTimeoutMs: 15_000, lockTimeoutMs: 5_000 });
    expect(policy.connections).toMatchObject({ heldIdleWarnMs: 5_000, heldIdleReclaimMs: 15_000 });
    expect(new Set(Object.values(policy.rules).map(({ check }) => check))).toEqual(
      new Set(["error"]),
    );
    expect(policy.isEnforced("connections.maxPerProcess")).toBe(true);
    expect(policy.isEnforced("naming.app")).toBe(true);
    expect(policy.isEnforced("units.stallMs")).toBe(true);
  });

  const external = [
    ["recommended", "off"],
    ["strict", "warn"],
  ] as const;
  for (const [preset, runtime] of external) {
    test(`calls to other services are "${runtime}" in \`${preset}\`, and no other run-time rule differs from the mode`, () => {
      const { rules } = resolved({ extends: preset });

      const own = Object.entries(rules).filter(([, setting]) => setting.runtime !== "by-mode");

      expect(own).toEqual([["transaction/no-external-calls", { check: "error", runtime }]]);
    });
  }

  test("a rule that no preset turns on is turned on by its own setting", () => {
    const rule = "transaction/no-external-calls";

    const { rules } = resolved({ rules: { [rule]: { runtime: "warn" } } });

    expect(rules[rule]).toEqual({ check: "error", runtime: "warn" });
  });
});

describe("hosts that may be called during a transaction", () => {
  test("are in lower case, and a later list replaces an earlier one", () => {
    const base = { externalCalls: { ignoreHosts: ["collector"] } };

    const policies = [
      resolved({ extends: base }),
      resolved({ extends: base, externalCalls: {} }),
      resolved({ extends: base, externalCalls: { ignoreHosts: ["*.Example.com", "FE80::1"] } }),
    ];

    expect(policies.map(({ externalCalls }) => externalCalls.ignoreHosts)).toEqual([
      ["collector"],
      ["collector"],
      ["*.example.com", "fe80::1"],
    ]);
  });
});

describe("extends", () => {
  const team = definePolicy({
    extends: "strict",
    connections: { maxPerProcess: 50, acquireTimeoutMs: 2_000 },
    rules: { "statements/no-named": { check: "off", runtime: "warn" } },
    allow: [{ rule: "statements/no-named", reason: "team" }],
    targets: {
      main: {
        pooler: { kind: "pgbouncer", version: "1.24", limits: { queryWaitTimeoutMs: 60_000 } },
        pooled: env("DATABASE_URL"),
      },
    },
  });

  test("sections are merged key by key, and the later one wins", () => {
    const policy = resolved({ extends: team, connections: { maxPerProcess: 5 } });

    expect(policy.connections).toMatchObject({
      maxPerProcess: 5,
      acquireTimeoutMs: 2_000,
      reuse: "none",
    });
  });

  test("of several bases the later one wins, and the policy itself over all", () => {
    const policy = resolved({
      extends: [
        { connections: { maxPerProcess: 1, acquireTimeoutMs: 10 } },
        { connections: { acquireTimeoutMs: 20 } },
      ],
      connections: { idleTimeoutMs: 3 },
    });

    expect(policy.connections).toMatchObject({
      maxPerProcess: 1,
      acquireTimeoutMs: 20,
      idleTimeoutMs: 3,
    });
  });

  test("a base that names `recommended` does not undo the base before it", () => {
    const policy = resolved({ extends: ["strict", { extends: "recommended" }, "recommended"] });

    expect(policy.targets["main"]?.mode).toBe("enforce");
  });

  test("`units` and `transaction.lazyBegin` are merged like any other key", () => {
    const base = { units: { stallMs: 300, settleTimeoutMs: 0 }, transaction: { lazyBegin: true } };

    const policy = resolved({ extends: base, units: { stallMs: 400 } });

    expect(policy).toMatchObject({
      units: { stallMs: 400, settleTimeoutMs: 0 },
      transaction: { lazyBegin: true, timeoutMs: 30_000 },
    });
  });

  test("a key that is there without a value changes nothing", () => {
    const policy = resolved(untyped({ extends: team, connections: { maxPerProcess: undefined } }));

    expect(policy.connections.maxPerProcess).toBe(50);
  });

  test("a target gains what it is given, and keeps the rest, its pooler's limits included", () => {
    const policy = resolved({
      extends: team,
      targets: {
        main: { pooler: { kind: "pgbouncer", version: "1.26" }, direct: env("DIRECT_URL") },
        archive: {},
      },
    });

    expect(Object.keys(policy.targets)).toEqual(["main", "archive"]);
    expect(policy.targets["main"]?.pooler).toMatchObject({
      version: "1.26",
      limits: { queryWaitTimeoutMs: 60_000 },
    });
    expect(policy.targets["main"]?.lanes.pooled).toMatchObject({
      missing: expect.stringContaining("DATABASE_URL"),
    });
  });

  test("what is known of one kind of pooler is not said of another", () => {
    const policy = resolved({ extends: team, targets: { main: { pooler: { kind: "none" } } } });

    expect(policy.targets["main"]?.pooler).toMatchObject({
      kind: "none",
      version: undefined,
      limits: {},
    });
  });

  test("a rule as a bare text sets `check` and leaves `runtime` as it was", () => {
    const policy = resolved({ extends: team, rules: { "statements/no-named": "error" } });

    expect(policy.rules["statements/no-named"]).toEqual({ check: "error", runtime: "warn" });
    expect(policy.rules["naming/required"]).toEqual({ check: "error", runtime: "by-mode" });
  });

  test("exceptions and enforced keys add up, so that one more cannot loosen a team's policy", () => {
    const policy = resolved({
      extends: {
        enforced: ["connections.reuse"],
        allow: [{ rule: "statements/no-named", reason: "team" }],
      },
      enforced: ["transaction"],
      allow: [{ rule: "naming/required", reason: "own" }],
    });

    expect(policy.allow.map(({ reason }) => reason)).toEqual(["team", "own"]);
    const keys = [
      "connections.reuse",
      "connections.maxPerProcess",
      "transaction",
      "transaction.timeoutMs",
    ];
    expect(keys.map((key) => policy.isEnforced(key))).toEqual([true, false, true, true]);
  });

  test("the reporter of a base is used unless there is an own one", () => {
    const base = { onViolation: silent };

    const policies = [
      resolved({ extends: base }),
      resolved({ extends: base, onViolation: alsoSilent }),
    ];

    expect(policies.map(({ onViolation }) => onViolation)).toEqual([silent, alsoSilent]);
  });
});

describe("URLs", () => {
  const targets = {
    main: { pooled: env("DATABASE_URL"), direct: "postgresql://u:hunter2@db/app" },
  };

  test("come from the policy or the environment, and remember where from", () => {
    const policy = resolved(
      { targets },
      processWith({ DATABASE_URL: "postgres://u:hunter2@pooler/app" }),
    );

    const { pooled, direct } = policy.targets["main"]?.lanes ?? {};
    expect([pooled, direct]).toMatchObject([
      { from: "env DATABASE_URL" },
      { from: "targets.main.direct" },
    ]);
    expect(pooled?.url?.reveal()).toBe("postgres://u:hunter2@pooler/app");
  });

  for (const [value, state] of [
    [undefined, "not set"],
    ["", "empty"],
    ["  ", "empty"],
  ] as const) {
    test(`a variable that holds ${JSON.stringify(value)} is ${state}, which is no error yet`, () => {
      const policy = resolved({ targets }, processWith({ DATABASE_URL: value }));

      expect(policy.targets["main"]?.lanes.pooled).toEqual({
        url: undefined,
        missing: `the environment variable DATABASE_URL of \`targets.main.pooled\` is ${state}`,
      });
    });
  }

  test("no way of printing a resolved policy shows a password", () => {
    const policy = resolved(
      { targets },
      processWith({ DATABASE_URL: "postgres://u:hunter2@pooler/app" }),
    );

    const printed = [
      inspect(policy, { depth: 20, showHidden: true }),
      JSON.stringify(policy),
      String(policy.targets["main"]?.lanes.pooled.url),
    ];

    expect(printed.filter((text) => text.includes("hunter2"))).toEqual([]);
  });
});

describe("DOORPOLICY_MODE", () => {
  const targets: Policy["targets"] = { main: { mode: "enforce" }, reports: { mode: "bypass" } };

  test("sets the mode of every target, and says so for those that it changes", () => {
    const policy = resolved({ targets }, processWith({ DOORPOLICY_MODE: " bypass " }));

    expect(Object.values(policy.targets).map(({ mode }) => mode)).toEqual(["bypass", "bypass"]);
    expect(policy.notices).toEqual([
      'DOORPOLICY_MODE sets the mode of target `main` to "bypass"; the policy says "enforce".',
    ]);
  });

  test("changes nothing when it is empty", () => {
    const policy = resolved({ targets }, processWith({ DOORPOLICY_MODE: "" }));

    expect(policy.targets["main"]?.mode).toBe("enforce");
  });

  test("a value that is none is an error that names the variable", () => {
    const error = thrownBy(() => resolved({ targets }, processWith({ DOORPOLICY_MODE: "off" })));

    expect(error).toMatchObject({ code: "policy/invalid", path: "env DOORPOLICY_MODE" });
    expect(String(error)).toContain(
      'The environment variable DOORPOLICY_MODE holds "off"; allowed is "observe", "enforce", "bypass".',
    );
  });
});

describe("DOORPOLICY_RULES", () => {
  const levels = [
    ["off", { check: "off", runtime: "off" }],
    ["warn", { check: "warn", runtime: "warn" }],
    ["error", { check: "error", runtime: "by-mode" }],
    ["refuse", { check: "warn", runtime: "refuse" }],
  ] as const;
  for (const [level, setting] of levels) {
    test(`settings/explicit-tls=${level}`, () => {
      const policy = resolved(
        {},
        processWith({ DOORPOLICY_RULES: `settings/explicit-tls=${level}` }),
      );

      expect(policy.rules["settings/explicit-tls"]).toEqual(setting);
    });
  }

  test("sets several rules, run-time ones too, and says what it changed", () => {
    const policy = resolved(
      {},
      processWith({ DOORPOLICY_RULES: " transaction/idle = off , naming/template=warn,," }),
    );

    expect(policy.rules["transaction/idle"]).toEqual({ check: "off", runtime: "off" });
    expect(policy.notices).toContain(
      'DOORPOLICY_RULES sets transaction/idle to check "off" and runtime "off"; the policy says check "error" and runtime as the mode says.',
    );
  });

  const wrong = [
    ["naming/requird=warn", 'did you mean "naming/required"?'],
    ["naming/required=eror", '"off", "warn", "error" or "refuse"'],
    ["naming/required", '"off", "warn", "error" or "refuse"'],
    ["naming/required=constructor", '"off", "warn", "error" or "refuse"'],
    ["x/y=warn", "the rules naming/required"],
    ["transaction/idle=error", '"off", "warn" or "refuse": this rule has no check.'],
    ["naming/required=refuse", "this rule is looked for in the check alone."],
  ] as const;
  for (const [text, says] of wrong) {
    test(`${text} is an error that names the variable`, () => {
      const error = thrownBy(() => resolved({}, processWith({ DOORPOLICY_RULES: text })));

      expect(error).toMatchObject({ code: "policy/invalid", path: "env DOORPOLICY_RULES" });
      expect(String(error)).toContain(says);
    });
  }
});

describe("exceptions with a last day", () => {
  const table = [
    ["2026-06-14", 0],
    ["2026-06-15", 1],
    ["2026-06-16", 1],
  ] as const;
  for (const [until, valid] of table) {
    test(`until ${until}, on 2026-06-15: ${valid === 1 ? "holds" : "has ended, and it is said"}`, () => {
      const policy = resolved({ allow: [{ rule: "naming/required", reason: "migration", until }] });

      expect(policy.allow).toHaveLength(valid);
      expect(policy.notices).toEqual(
        valid === 1
          ? []
          : [`The exception to naming/required ("migration") ended on ${until} and has no effect.`],
      );
    });
  }

  test("without a given day, the day is today", () => {
    const { today, ...context } = PROCESS;
    const allow = [
      { rule: "naming/required", reason: "over", until: "2000-01-01" },
      { rule: "naming/required", reason: "far", until: "9999-12-31" },
    ];

    const policy = resolvePolicy({ allow }, context);

    expect(today).toBeDefined();
    expect(policy.allow.map(({ reason }) => reason)).toEqual(["far"]);
  });
});

test("a resolved policy is frozen in all its parts", () => {
  const policy = resolved({ extends: "strict", allow: [{ rule: "naming/required", reason: "x" }] });

  const thawed: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Object.isFrozen(value)) thawed.push(path);
    for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
  };
  visit(policy, "policy");

  expect(thawed).toEqual([]);
});

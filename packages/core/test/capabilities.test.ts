import { describe, expect, test } from "vitest";

import { capabilitiesOf, type Capability, type PoolerTraits } from "../src/index.ts";
import { thrownBy } from "./support.ts";

const bouncer = (version?: string, more: Partial<PoolerTraits> = {}): PoolerTraits => ({
  kind: "pgbouncer",
  version,
  ...more,
});

/** The first version that has it, and one before it. */
const steps: readonly (readonly [Capability, since: string, before: string])[] = [
  ["accepts-pipelined-handshake", "1.18", "1.17"],
  ["safe-cancel", "1.19.1", "1.19"],
  ["parses-options", "1.20", "1.19.1"],
  ["accepts-startup-parameter:IntervalStyle", "1.20", "1.18"],
  ["tracks-parameter:IntervalStyle", "1.20", "1.18"],
  ["keeps-empty-name", "1.22", "1.21"],
  ["replication", "1.23", "1.22"],
  ["accepts-startup-parameter:replication", "1.23", "1.22"],
  ["tracks-named-statements", "1.24", "1.23"],
  ["announces-itself", "1.26", "1.25"],
  ["accepts-startup-parameter:default_transaction_read_only", "1.26", "1.25"],
];

describe("pgbouncer, by version", () => {
  for (const [capability, since, before] of steps) {
    test(`${capability} is there from ${since}, not in ${before}, and not in an unknown version`, () => {
      const has = [since, before, undefined].map((version) =>
        capabilitiesOf(bouncer(version)).has(capability),
      );

      expect(has).toEqual([true, false, false]);
    });
  }

  test("1.9 is older than 1.20, and 2.0 is newer than 1.26", () => {
    expect(capabilitiesOf(bouncer("1.9")).has("parses-options")).toBe(false);
    expect(capabilitiesOf(bouncer("2.0")).has("announces-itself")).toBe(true);
  });

  test("a version that is none is an error that names it and what is allowed", () => {
    const error = thrownBy(() => capabilitiesOf(bouncer("newest")));

    expect(error).toMatchObject({ code: "policy/invalid", path: "pooler.version" });
    expect(String(error)).toContain('"newest"');
    expect(String(error)).toContain('"1.24"');
  });
});

const startup = (name: string): Capability => `accepts-startup-parameter:${name}`;

describe("pgbouncer, startup parameters", () => {
  const always = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "TimeZone",
    "standard_conforming_strings",
  ];
  const never = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "search_path",
    "session_authorization",
    "extra_float_digits",
    "role",
    "options",
  ];

  for (const version of ["1.18", "1.24", "1.26", undefined]) {
    test(`${version ?? "an unknown version"} accepts and tracks what every version does, and no limit and no search_path`, () => {
      const capabilities = capabilitiesOf(bouncer(version));

      expect(always.filter((name) => !capabilities.has(startup(name)))).toEqual([]);
      expect(always.filter((name) => !capabilities.has(`tracks-parameter:${name}`))).toEqual([]);
      expect(never.filter((name) => capabilities.has(startup(name)))).toEqual([]);
    });
  }

  test("names are compared without regard to case, as Postgres does", () => {
    const capabilities = capabilitiesOf(bouncer("1.24"));

    expect(capabilities.has(startup("timezone"))).toBe(true);
    expect(capabilities.has("tracks-parameter:INTERVALSTYLE")).toBe(true);
  });

  // https://github.com/pgbouncer/pgbouncer/blob/master/NEWS.md, 1.26.1
  test("what the pooler is told to ignore is dropped, not accepted, and followed when it is set later", () => {
    const ignoreStartupParameters = ["statement_timeout", "IntervalStyle", "TimeZone"];

    const capabilities = capabilitiesOf(bouncer("1.24", { settings: { ignoreStartupParameters } }));

    expect(capabilities.has("ignores-startup-parameter:Statement_Timeout")).toBe(true);
    expect(capabilities.has(startup("statement_timeout"))).toBe(false);
    expect(capabilities.has(startup("IntervalStyle"))).toBe(false);
    expect(capabilities.has(startup("TimeZone"))).toBe(false);
    expect(capabilities.has("ignores-startup-parameter:TimeZone")).toBe(true);
    expect(capabilities.has("tracks-parameter:TimeZone")).toBe(true);
    expect(capabilities.has("tracks-parameter:IntervalStyle")).toBe(true);
  });

  test("track_extra_parameters replaces its default, and helps only what Postgres reports", () => {
    const trackExtraParameters = [
      "default_transaction_read_only",
      "search_path",
      "statement_timeout",
    ];

    const capabilities = capabilitiesOf(bouncer("1.24", { settings: { trackExtraParameters } }));

    expect(capabilities.has(startup("default_transaction_read_only"))).toBe(true);
    expect(capabilities.has(startup("IntervalStyle"))).toBe(false);
    expect(capabilities.has(startup("search_path"))).toBe(false);
    expect(capabilities.has(startup("statement_timeout"))).toBe(false);
  });
});

describe("pgbouncer, named statements", () => {
  const table: readonly (readonly [
    version: string | undefined,
    most: number | undefined,
    tracked: boolean,
  ])[] = [
    ["1.18", undefined, false],
    ["1.20", 100, false],
    ["1.21", undefined, false],
    ["1.21", 100, true],
    ["1.23", undefined, false],
    ["1.24", undefined, true],
    ["1.24", 0, false],
    ["1.26", 0, false],
    [undefined, 100, false],
  ];
  for (const [version, most, tracked] of table) {
    test(`${version ?? "an unknown version"} with max_prepared_statements ${most ?? "not declared"}: ${tracked ? "tracked" : "not tracked"}`, () => {
      const settings = most === undefined ? {} : { maxPreparedStatements: most };

      const capabilities = capabilitiesOf(bouncer(version, { settings }));

      expect(capabilities.has("tracks-named-statements")).toBe(tracked);
    });
  }
});

describe("by pool mode", () => {
  const table = [
    ["session", true, true],
    ["transaction", false, true],
    ["statement", false, false],
  ] as const;
  for (const [mode, state, blocks] of table) {
    test(`${mode} mode ${state ? "keeps" : "loses"} session state and ${blocks ? "takes" : "refuses"} blocks`, () => {
      const capabilities = capabilitiesOf(bouncer("1.24", { mode }));

      expect(capabilities.has("session-state")).toBe(state);
      expect(capabilities.has("tracks-parameter:search_path")).toBe(state);
      expect(capabilities.has("transaction-blocks")).toBe(blocks);
      // Who shares connections out reads the startup packet itself, in every mode.
      expect(capabilities.has(startup("statement_timeout"))).toBe(false);
    });
  }
});

describe("no pooler", () => {
  test("Postgres itself takes every startup parameter, keeps session state and pools nothing", () => {
    const capabilities = capabilitiesOf({ kind: "none" });

    expect(capabilities.has(startup("statement_timeout"))).toBe(true);
    expect(capabilities.has("tracks-parameter:search_path")).toBe(true);
    expect(capabilities.has("tracks-named-statements")).toBe(true);
    expect(capabilities.has("pools-connections")).toBe(false);
    expect(capabilities.has("announces-itself")).toBe(false);
  });
});

test("a set of capabilities can be read as a set and not be changed", () => {
  const capabilities = capabilitiesOf(bouncer("1.26"));
  const seen: Capability[] = [];

  capabilities.forEach((value, key, set) => {
    expect(set.has(key)).toBe(true);
    seen.push(value);
  });

  expect(seen).toEqual([...capabilities]);
  expect(seen).toEqual([...capabilities.keys()]);
  expect(seen.map((one) => [one, one])).toEqual([...capabilities.entries()]);
  expect(seen).toHaveLength(capabilities.size);
  expect(Object.isFrozen(capabilities)).toBe(true);
  expect("add" in capabilities).toBe(false);
});

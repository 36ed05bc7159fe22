import { describe, expect, test } from "vitest";

import {
  capabilitiesOf,
  type Capability,
  type PoolerKind,
  type PoolerSettings,
  type PoolerTraits,
  titleOfPooler,
} from "../src/index.ts";

const PINS: readonly Capability[] = [
  "pins-on-set",
  "pins-on-prepare",
  "pins-on-temp",
  "pins-on-cursor",
  "pins-on-listen",
  "pins-on-lock",
  "pins-on-load",
  "pins-on-sequence",
  "pins-on-discard",
  "pins-on-long-statement",
];

const KINDS: readonly PoolerKind[] = [
  "pgbouncer",
  "supavisor",
  "neon",
  "rds-proxy",
  "pgcat",
  "pgdog",
  "odyssey",
];

function has(pooler: PoolerTraits, capability: Capability): boolean {
  return capabilitiesOf(pooler).has(capability);
}

describe("every pooler of which nothing is known but its kind", () => {
  for (const kind of KINDS) {
    test(`${kind} pools, keeps no session state, accepts no search_path, no role and no pipelined handshake`, () => {
      const capabilities = capabilitiesOf({ kind });

      expect(capabilities.has("pools-connections")).toBe(true);
      expect(capabilities.has("transaction-blocks")).toBe(true);
      const claims: readonly Capability[] = [
        "session-state",
        "applies-any-startup-parameter",
        "accepts-startup-parameter:search_path",
        "accepts-startup-parameter:role",
        "tracks-parameter:search_path",
        "tracks-parameter:role",
        "tracks-sql-prepare",
        "pins-session-locks",
        "accepts-pipelined-handshake",
        "announces-itself",
      ];
      expect(claims.filter((claim) => capabilities.has(claim))).toEqual([]);
    });

    test(`${kind} in session mode keeps what is set, prepared and named`, () => {
      const pooler: PoolerTraits = { kind, mode: "session" };

      expect(has(pooler, "session-state")).toBe(true);
      expect(has(pooler, "tracks-named-statements")).toBe(true);
      expect(has(pooler, "tracks-sql-prepare")).toBe(true);
      expect(has(pooler, "tracks-deallocate-all")).toBe(true);
    });
  }
});

describe("one by one", () => {
  const table: readonly (readonly [
    says: string,
    pooler: PoolerTraits,
    capability: Capability,
    expected: boolean,
  ])[] = [
    // https://github.com/pgbouncer/pgbouncer/blob/master/NEWS.md, 1.22
    ...deallocateAll("1.18", {}, false),
    ...deallocateAll("1.21", { maxPreparedStatements: 100 }, false),
    ...deallocateAll("1.22", { maxPreparedStatements: 100 }, true),
    ...deallocateAll("1.22", {}, false),
    ...deallocateAll("1.24", {}, true),
    ...deallocateAll("1.24", { maxPreparedStatements: 0 }, false),
    ["without more", { kind: "pgbouncer", version: "1.26" }, "resets-session-state", false],
    [
      "server_reset_query_always",
      { kind: "pgbouncer", settings: { resetsSessionState: true } },
      "resets-session-state",
      true,
    ],
    ["transaction mode", { kind: "supavisor" }, "transports-application-name", false],
    ["session mode", { kind: "supavisor", mode: "session" }, "transports-application-name", true],
    ["by default", { kind: "supavisor" }, "tracks-named-statements", false],
    [
      "named_prepared_statements",
      { kind: "supavisor", settings: { tracksNamedStatements: true } },
      "tracks-named-statements",
      true,
    ],
    ["by default", { kind: "supavisor" }, "safe-cancel", true],
    ["by default", { kind: "supavisor" }, "tracks-parameter:TimeZone", false],
    ["by default", { kind: "neon" }, "tracks-named-statements", true],
    ["by default", { kind: "neon" }, "tracks-parameter:timezone", true],
    ["by default", { kind: "neon" }, "accepts-startup-parameter:statement_timeout", false],
    ["by default", { kind: "neon" }, "parses-options", true],
    ["by default", { kind: "neon" }, "safe-cancel", false],
    ["by default", { kind: "rds-proxy" }, "safe-cancel", false],
    ["by default", { kind: "rds-proxy" }, "parses-options", false],
    ["by default", { kind: "rds-proxy" }, "tracks-named-statements", false],
    ["by default", { kind: "pgcat" }, "tracks-parameter:TimeZone", true],
    ["by default", { kind: "pgcat" }, "tracks-named-statements", false],
    [
      "prepared_statements_cache_size 500",
      { kind: "pgcat", settings: { maxPreparedStatements: 500 } },
      "tracks-named-statements",
      true,
    ],
    ["by default", { kind: "pgcat" }, "resets-session-state", false],
    ["by default", { kind: "pgcat" }, "ignores-other-startup-parameters", true],
    ["by default", { kind: "pgbouncer" }, "refuses-other-startup-parameters", true],
    ["by default", { kind: "neon" }, "refuses-other-startup-parameters", true],
    ["by default", { kind: "supavisor" }, "refuses-other-startup-parameters", false],
    [
      "a list that only PgBouncer has",
      {
        kind: "odyssey",
        version: "1.5.2",
        settings: { ignoreStartupParameters: ["statement_timeout"] },
      },
      "accepts-startup-parameter:statement_timeout",
      true,
    ],
    ["by default", { kind: "pgdog" }, "parses-set", true],
    ["by default, of set_config()", { kind: "pgdog" }, "tracks-parameter:TimeZone", false],
    ["by default", { kind: "pgdog" }, "accepts-startup-parameter:statement_timeout", true],
    ["by default", { kind: "pgdog" }, "parses-options", true],
    ["by default", { kind: "pgdog" }, "tracks-named-statements", true],
    [
      'prepared_statements = "full"',
      { kind: "pgdog", settings: { tracksSqlPrepare: true } },
      "tracks-sql-prepare",
      true,
    ],
    [
      "query_parser",
      { kind: "pgdog", settings: { pinsSessionLocks: true } },
      "pins-session-locks",
      true,
    ],
    ["by default", { kind: "odyssey" }, "resets-session-state", true],
    [
      "pool_discard no",
      { kind: "odyssey", settings: { resetsSessionState: false } },
      "resets-session-state",
      false,
    ],
    [
      "pool_discard no",
      { kind: "odyssey", settings: { resetsSessionState: false } },
      "tracks-parameter:TimeZone",
      false,
    ],
    ["by default", { kind: "odyssey" }, "accepts-startup-parameter:statement_timeout", false],
    [
      "measured",
      { kind: "odyssey", version: "1.5.2" },
      "accepts-startup-parameter:statement_timeout",
      true,
    ],
    ["measured", { kind: "odyssey", version: "1.5.2" }, "parses-options", true],
    [
      "dropped without a word",
      { kind: "odyssey", version: "1.5.2" },
      "ignores-startup-parameter:extra_float_digits",
      true,
    ],
    ["by default", { kind: "odyssey", version: "1.5.2" }, "tracks-named-statements", false],
    [
      "pool_reserve_prepared_statement",
      { kind: "odyssey", version: "1.5.2", settings: { tracksNamedStatements: true } },
      "tracks-named-statements",
      true,
    ],
    [
      "pool_reserve_prepared_statement",
      { kind: "odyssey", version: "1.5.2", settings: { tracksNamedStatements: true } },
      "resets-session-state",
      false,
    ],
    ["itself", { kind: "none" }, "tracks-sql-prepare", true],
    ["itself", { kind: "none" }, "transports-application-name", true],
    ["itself", { kind: "none" }, "resets-session-state", false],
  ];
  for (const [says, pooler, capability, expected] of table) {
    const { kind, version = "" } = pooler;
    test(`${kind} ${version} (${says}): ${expected ? "" : "not "}${capability}`, () => {
      expect(has(pooler, capability)).toBe(expected);
    });
  }
});

describe("pinning", () => {
  for (const kind of [...KINDS, "none"] as const) {
    test(`${kind} ${kind === "rds-proxy" ? "pins on all that AWS lists" : "pins on nothing of that list"}`, () => {
      const pinned = PINS.filter((pin) => has({ kind }, pin));

      expect(pinned).toEqual(kind === "rds-proxy" ? PINS : []);
    });
  }
});

describe("in a message", () => {
  const titles: readonly (readonly [PoolerTraits, string])[] = [
    [{ kind: "pgbouncer", version: "1.18" }, "PgBouncer 1.18"],
    [{ kind: "pgbouncer" }, "PgBouncer of unknown version"],
    [{ kind: "supavisor" }, "Supavisor"],
    [{ kind: "neon" }, "Neon's pooler"],
    [{ kind: "rds-proxy" }, "RDS Proxy"],
    [{ kind: "pgcat" }, "PgCat of unknown version"],
    [{ kind: "pgdog", version: "0.1.32" }, "PgDog 0.1.32"],
    [{ kind: "odyssey", version: "1.5.2" }, "Odyssey 1.5.2"],
    [{ kind: "none" }, "Postgres"],
  ];
  for (const [pooler, title] of titles) {
    test(title, () => {
      expect(titleOfPooler(pooler)).toBe(title);
    });
  }
});

function deallocateAll(
  version: string,
  settings: PoolerSettings,
  expected: boolean,
): readonly (readonly [string, PoolerTraits, Capability, boolean])[] {
  const most = settings.maxPreparedStatements;
  return [
    [
      most === undefined ? "default" : `max_prepared_statements ${most}`,
      { kind: "pgbouncer", version, settings },
      "tracks-deallocate-all",
      expected,
    ],
  ];
}

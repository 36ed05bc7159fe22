import { isDeepStrictEqual } from "node:util";

import { describe, expect, test } from "vitest";

import {
  type ConnectionPolicy,
  type Lane,
  laneInUse,
  type Policy,
  type PoolerPolicy,
  type ResolvedConnections,
} from "../../src/index.ts";
import { resolved, thrownBy, untyped } from "../support.ts";

const behind = (pooler: PoolerPolicy, connections: ConnectionPolicy = {}): Policy => ({
  connections,
  targets: { main: { pooler } },
});

describe("presets", () => {
  const table: readonly (readonly [Policy["extends"], Partial<ResolvedConnections>])[] = [
    [
      "recommended",
      {
        reuse: "none",
        lingerMs: 5,
        idleTimeoutMs: 5_000,
        minPerProcess: 0,
        maxLifetimeMs: 60_000,
        pipelineHandshake: false,
      },
    ],
    ["strict", { reuse: "none", lingerMs: 0 }],
    ["pgbouncer", { reuse: "none", lingerMs: 5 }],
    ["serverless", { reuse: "none", lingerMs: 0 }],
    ["supabase", { reuse: "pool", idleTimeoutMs: 5_000 }],
    ["neon", { reuse: "pool", idleTimeoutMs: 5_000 }],
    ["rds-proxy", { reuse: "pool", idleTimeoutMs: 5_000 }],
    [["strict", "pgbouncer"], { reuse: "none", lingerMs: 5, heldIdleReclaimMs: 15_000 }],
    [["neon", "serverless"], { reuse: "none", lingerMs: 0 }],
  ];
  for (const [preset = "recommended", connections] of table) {
    test([preset].flat().map(String).join(", then "), () => {
      const policy = resolved({ extends: preset });

      expect(policy.connections).toMatchObject(connections);
    });
  }

  const others = ["pgbouncer", "serverless", "supabase", "neon", "rds-proxy"] as const;
  for (const preset of others) {
    const isProvider = !["pgbouncer", "serverless"].includes(preset);
    const and = isProvider ? " and the provider's pooler" : "";
    test(`${preset} decides nothing but how connections are kept${and}`, () => {
      const policy = resolved({ extends: preset });
      const usual = resolved();

      const differs = Object.entries(usual)
        .filter(([key, value]) => !isDeepStrictEqual(Reflect.get(policy, key), value))
        .map(([key]) => key);

      // The function that says what is enforced is another one each time.
      expect(differs.filter((key) => key !== "connections")).toEqual(
        isProvider ? ["targets", "isEnforced"] : ["isEnforced"],
      );
      expect(policy.isEnforced("connections.reuse")).toBe(false);
    });
  }

  test("one that is mistyped is refused with the one that was meant", () => {
    const error = thrownBy(() => resolved(untyped({ extends: ["rdsproxy"] })));

    expect(error).toMatchObject({ code: "policy/invalid", path: "extends.0" });
    expect(String(error)).toContain('did you mean "rds-proxy"?');
  });
});

describe("what happens to a connection that nobody is using", () => {
  const table: readonly (readonly [
    PoolerPolicy["kind"],
    ResolvedConnections["reuse"],
    Lane,
    ResolvedConnections["reuse"],
  ])[] = [
    ["pgbouncer", "none", "pooled", "none"],
    ["pgbouncer", "none", "replica", "none"],
    ["pgbouncer", "none", "direct", "pool"],
    ["pgbouncer", "pool", "pooled", "pool"],
    ["pgbouncer", "pool", "direct", "pool"],
    ["none", "none", "pooled", "pool"],
    ["none", "none", "replica", "pool"],
    ["none", "none", "direct", "pool"],
  ];
  for (const [kind, reuse, lane, holds] of table) {
    test(`pooler "${kind}", reuse "${reuse}", ${lane} lane: "${holds}"`, () => {
      const policy = resolved(behind({ kind }, { reuse }));

      expect(laneInUse(policy, { lane }).reuse).toBe(holds);
    });
  }
});

describe("numbers of connections that contradict each other", () => {
  const holds: readonly (readonly [string, Policy])[] = [
    ["as many kept as allowed", { connections: kept(10) }],
    ["some kept without a pooler", behind({ kind: "none" }, { minPerProcess: 1 })],
  ];
  for (const [title, policy] of holds) {
    test(`${title}: holds`, () => {
      const { connections } = resolved(policy);

      expect(connections).toMatchObject(policy.connections ?? {});
    });
  }

  const refused: readonly (readonly [string, Policy, string])[] = [
    [
      "more kept than allowed",
      { connections: kept(11) },
      "more connections would be kept open than may be opened",
    ],
    [
      "some kept where none is",
      { connections: { minPerProcess: 1 } },
      'Set `connections.reuse` to "pool", or `connections.minPerProcess` to 0.',
    ],
  ];
  for (const [title, policy, says] of refused) {
    test(`${title}: is refused`, () => {
      const error = thrownBy(() => resolved(policy));

      expect(error).toMatchObject({ code: "policy/invalid", path: "connections.minPerProcess" });
      expect(String(error)).toContain(says);
    });
  }
});

describe("what has no effect is said once, as a notice", () => {
  const pipelined = { pipelineHandshake: true };
  const unknown =
    "`connections.pipelineHandshake` has no effect through the pooler of target `main`, and logins take all their round trips: PgBouncer of unknown version is not known to accept it.";
  const table: readonly (readonly [string, Policy, readonly string[]])[] = [
    ["no pipelining", behind({ kind: "pgbouncer" }), []],
    [
      "pipelining through a pooler that takes it",
      behind({ kind: "pgbouncer", version: "1.18" }, pipelined),
      [],
    ],
    ["pipelining to Postgres itself", behind({ kind: "none" }, pipelined), []],
    [
      "pipelining through a pooler of unknown version",
      behind({ kind: "pgbouncer" }, pipelined),
      [unknown],
    ],
    [
      "some connections kept, and only one of two targets keeps any",
      {
        connections: { minPerProcess: 1 },
        targets: { main: {}, reports: { pooler: { kind: "none" } } },
      },
      [
        '`connections.minPerProcess` has no effect behind the pooler of target `main`: `connections.reuse` is "none".',
      ],
    ],
    [
      "some connections kept in both of two targets",
      { connections: kept(1), targets: { main: {}, reports: { pooler: { kind: "none" } } } },
      [],
    ],
  ];
  for (const [title, policy, notices] of table) {
    test(title, () => {
      expect(resolved(policy).notices).toEqual(notices);
    });
  }
});

function kept(minPerProcess: number): ConnectionPolicy {
  return { reuse: "pool", minPerProcess };
}

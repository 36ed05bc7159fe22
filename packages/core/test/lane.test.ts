import { inspect } from "node:util";

import { describe, expect, test } from "vitest";

import { env, type LaneChoice, laneInUse, type Policy } from "../src/index.ts";
import { processWith, resolved, thrownBy } from "./support.ts";

const targets: Policy["targets"] = {
  main: {
    mode: "enforce",
    pooler: { kind: "pgbouncer", version: "1.18" },
    pooled: env("DATABASE_URL"),
    direct: env("DIRECT_URL"),
    replicas: [env("REPLICA_URL"), "postgres://u:hunter2@replica-2/app"],
  },
  reports: { pooled: "postgres://u:hunter2@reports/app" },
};

const policy = resolved(
  { targets },
  processWith({
    DATABASE_URL: "postgres://u:hunter2@pooler/app",
    REPLICA_URL: "postgres://u:hunter2@replica-1/app",
    DIRECT_URL: "mysql://u:hunter2@db",
  }),
);

describe("which lane", () => {
  test("without a choice it is the pooled lane of `main`", () => {
    const { target, lane, mode } = laneInUse(policy);

    expect([target.name, lane, mode]).toEqual(["main", "pooled", "enforce"]);
  });

  test("without a choice it is the policy's only target, whatever its name", () => {
    const { target } = laneInUse(resolved({ targets: { orders: {} } }));

    expect(target.name).toBe("orders");
  });

  for (const [choice, says] of [
    [{ target: "mian" }, "The policy has no target `mian`; it has `main`, `reports`."],
    [{ target: "toString" }, "The policy has no target `toString`"],
    [{ target: "postgres://h" }, "The policy has no target `[hidden]`; it has"],
  ] as const) {
    test(`${choice.target} is refused with the names that there are`, () => {
      const error = thrownBy(() => laneInUse(policy, choice));

      expect(error).toMatchObject({ code: "policy/unknown-target" });
      expect(String(error)).toContain(says);
    });
  }

  test("without a choice, several targets and none named `main` are refused", () => {
    const error = thrownBy(() => laneInUse(resolved({ targets: { a: {}, b: {} } })));

    expect(error).toMatchObject({ code: "policy/unknown-target" });
    expect(String(error)).toContain("has the targets `a`, `b` and none named `main`");
  });
});

describe("a choice that JavaScript got wrong is refused", () => {
  const table: readonly (readonly [choice: unknown, path: string, says: string])[] = [
    ["direct", "choice", 'is "direct", and has to be an object. Pass `{ lane: "direct" }`.'],
    [null, "choice", "is null, and has to be an object. Pass an object with `target` and `lane`"],
    [["direct"], "choice", "is a list, and has to be an object."],
    [{ lanes: "direct" }, "lanes", "did you mean `lane`? Rename it to `lane`."],
    [
      { policy: {} },
      "policy",
      "`policy` is not a key of the choice of target and lane; allowed is",
    ],
    [
      { lane: "dirct" },
      "lane",
      '`lane` is "dirct"; allowed is one of "pooled", "direct", "replica". Set it to "direct".',
    ],
    [{ lane: "primary" }, "lane", 'Set it to one of "pooled", "direct", "replica".'],
    [{ lane: null }, "lane", "`lane` is null"],
    [{ target: 1 }, "target", "`target` is 1; allowed is the name of a target."],
  ];
  for (const [choice, path, says] of table) {
    test(JSON.stringify(choice), () => {
      const error = thrownBy(() => laneInUse(policy, untypedChoice(choice)));

      expect(error).toMatchObject({ code: "policy/invalid", path });
      expect(String(error)).toContain(says);
    });
  }

  test("and keys that are there without a value choose nothing", () => {
    const { lane } = laneInUse(policy, untypedChoice({ lane: undefined, target: undefined }));

    expect(lane).toBe("pooled");
  });
});

describe("what a lane can do", () => {
  const table = [
    ["pooled", false, true],
    ["replica", false, true],
    ["direct", true, false],
  ] as const;
  for (const [lane, state, pools] of table) {
    test(`the ${lane} lane ${state ? "has what Postgres itself has" : "has what the pooler has"}`, () => {
      const { has } = laneInUse(policy, { lane });

      expect([has("session-state"), has("pools-connections")]).toEqual([state, pools]);
    });
  }
});

describe("the URL of a lane", () => {
  test("is the one of the policy or of the environment", () => {
    expect(laneInUse(policy).url().reveal()).toBe("postgres://u:hunter2@pooler/app");
  });

  test("of replicas there are several, and the first is `url()`", () => {
    const replicas = laneInUse(policy, { lane: "replica" });

    expect(replicas.urls().map((url) => url.reveal())).toEqual([
      "postgres://u:hunter2@replica-1/app",
      "postgres://u:hunter2@replica-2/app",
    ]);
    expect(replicas.url()).toBe(replicas.urls()[0]);
  });

  const missing = [
    [
      { target: "reports", lane: "direct" },
      "targets.reports.direct",
      "The direct lane of target `reports` has no URL: `targets.reports.direct` is not set.",
    ],
    [
      { target: "reports", lane: "replica" },
      "targets.reports.replicas",
      "The replica lane of target `reports` has no URL: `targets.reports.replicas` is not set.",
    ],
  ] as const;
  for (const [choice, path, says] of missing) {
    test(`is missing: ${says}`, () => {
      const error = thrownBy(() => laneInUse(policy, choice).url());

      expect(error).toMatchObject({ code: "policy/missing-url", path });
      expect(String(error)).toContain(says);
    });
  }

  test("is missing: an unset variable is named, with its target and lane", () => {
    const error = thrownBy(() => laneInUse(resolved({ targets })).url());

    expect(error).toMatchObject({ code: "policy/missing-url" });
    expect(String(error)).toContain(
      "The pooled lane of target `main` has no URL: the environment variable DATABASE_URL of `targets.main.pooled` is not set.",
    );
  });

  test("is no connection URL: whoever uses the lane learns it, without the URL", () => {
    const error = thrownBy(() => laneInUse(policy, { lane: "direct" }).url());

    expect(error).toMatchObject({ code: "url/unsupported", path: "env DIRECT_URL" });
    expect(String(error)).toContain(
      "The direct lane of target `main` cannot be used (env DIRECT_URL).",
    );
    expect(inspect(error)).not.toContain("hunter2");
  });
});

/** What JavaScript users may pass, who have no compiler between them and us. */
function untypedChoice(choice: unknown): LaneChoice {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that it may be wrong is the point
  return choice as LaneChoice;
}

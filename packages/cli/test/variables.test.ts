import { env } from "@doorpolicy/core";
import { describe, expect, test } from "vitest";

import { resolveForCheck } from "../src/check/policy-file.ts";
import { laneOfName, laneOfVariable } from "../src/check/variables.ts";

const policy = resolveForCheck(
  {
    targets: {
      main: { pooled: env("DATABASE_URL"), direct: env("DATABASE_URL_DIRECT") },
      reports: { pooled: env("REPORTS_URL"), replicas: [env("REPLICA_URL")] },
    },
  },
  { DATABASE_URL_DIRECT: "postgres://h/db", REPORTS_URL: "postgres://h/db" },
);

describe("the lane of a variable", () => {
  test.each([
    ["DATABASE_URL", { target: "main", lane: "pooled" }],
    ["DATABASE_URL_DIRECT", { target: "main", lane: "direct" }],
    ["REPORTS_URL", { target: "reports", lane: "pooled" }],
    ["REPLICA_URL", { target: "reports", lane: "pooled" }],
    ["URL", undefined],
    ["DATABASE", undefined],
  ])("%s", (name, expected) => {
    const choice = laneOfVariable(name, policy);

    expect(choice).toEqual(expected);
  });

  test.each([
    ["DATABASE_URL", "pooled"],
    ["MIGRATION_DATABASE_URL", "direct"],
    ["POSTGRES_URL_NON_POOLING", "direct"],
  ])("%s, which no policy mentions, is %s", (name, lane) => {
    const choice = laneOfName(name);

    expect(choice).toEqual({ lane });
  });
});

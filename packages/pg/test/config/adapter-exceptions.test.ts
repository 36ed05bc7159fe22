import type { Policy } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import pg from "pg";
import { describe, expect, test } from "vitest";

import { applyToPoolConfig, handedLimits } from "../../src/config/index.ts";
import { attempt } from "./attempt.ts";
import { laneOf, policyOf } from "./policies.ts";

/** What an adapter's user calls the settings. */
const PATHS = {
  option: (key: string) => `extra.${key}`,
  url: (parameter: string) => `url?${parameter}`,
};

describe("an exception in the words of an adapter", () => {
  const CLOSED = "postgresql://u@127.0.0.1:1/db";
  const options = { rule: "startup/no-unsupported-parameters", match: "extra.options" };
  const table: readonly (readonly [
    config: Record<string, unknown>,
    allowed: { readonly rule: string; readonly match: string },
    refusal: string,
  ])[] = [
    [
      { connectionString: `${CLOSED}?sslmode=verify-full`, ssl: { ca: "…" } },
      { rule: "settings/no-contradiction", match: "extra.ssl" },
      "options/refused",
    ],
    [
      { connectionString: CLOSED, user: "v" },
      { rule: "settings/no-contradiction", match: "extra.user" },
      "options/refused",
    ],
    [
      { connectionString: `${CLOSED}?sslmode=requre` },
      { rule: "settings/explicit-tls", match: "url?sslmode" },
      "options/refused",
    ],
    [{ connectionString: CLOSED, options: "-c search_path=a" }, options, "startup/refused"],
  ];
  for (const [config, { rule, match }, refusal] of table) {
    test(`${match} holds until the socket, and no longer than it is written down`, async () => {
      const allow = [{ rule, match, reason: "one more day" }];
      const seen: string[] = [];
      const onViolation: Policy["onViolation"] = ({ message }) => seen.push(message);
      const policy = policyOf({ allow, onViolation, connections: { connectRetry: false } });
      const lane = laneOf({ allow });

      const applied = applyToPoolConfig(config, lane, { paths: PATHS }).config;
      const again = applyToPoolConfig(applied, lane, { paths: PATHS }).config;
      const without = attempt(() => applyToPoolConfig(config, laneOf(), { paths: PATHS }));
      const pool = new (guardPg(pg, policy).Pool)(applied);
      const other = attempt(() => new (guardPg(pg, policyOf()).Pool)(applied));
      const error = await pool.connect().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      await pool.end();

      expect(again).toEqual(applied);
      expect(without).toMatchObject({ code: refusal, path: match });
      expect(other).toMatchObject({ code: refusal, path: match });
      expect(error).toMatchObject({ code: "ECONNREFUSED" });
      expect(seen).toContainEqual(expect.stringContaining("Allowed: one more day."));
    });
  }

  test("leaves a limit in the packet", () => {
    const allow = [{ rule: "transaction/limits", match: "extra.lock", reason: "one more day" }];
    const lane = laneOf({ allow });
    const config = { connectionString: CLOSED, lock_timeout: 7, statement_timeout: 8 };

    const applied = applyToPoolConfig(config, lane, { paths: PATHS }).config;
    const inPool = applyToPoolConfig(applied, lane).config;

    expect(inPool).toMatchObject({ lock_timeout: 7 });
    expect(inPool).not.toHaveProperty("statement_timeout");
    expect(handedLimits(inPool)).toEqual({ statementTimeoutMs: 8 });
  });

  test("leaves no trace where nothing is allowed", () => {
    const applied = applyToPoolConfig({ connectionString: CLOSED }, laneOf(), { paths: PATHS });

    expect(applied.config).not.toHaveProperty("doorpolicy");
  });
});

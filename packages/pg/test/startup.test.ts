import type { Policy } from "@doorpolicy/core";
import { describe, expect, test } from "vitest";

import { brokenParameter, judgeStartup } from "../src/startup/startup.ts";
import { laneOf } from "./lanes.ts";

const WHO = { user: "u", database: "d", application_name: "n" };

function behind(version: string | undefined): Policy {
  const pooler = { kind: "pgbouncer", ...(version === undefined ? {} : { version }) } as const;
  return { targets: { main: { pooler } } };
}

describe("the startup packet in front of a pooler", () => {
  test("says who and where", () => {
    const verdict = judgeStartup(WHO, laneOf(behind(undefined)));

    expect(verdict).toEqual({ packet: WHO, limits: {}, translated: [], refused: [] });
  });

  test("gives its limits to BEGIN", () => {
    const given = {
      ...WHO,
      statement_timeout: "5000",
      lock_timeout: "20",
      idle_in_transaction_session_timeout: "9",
    };

    const { packet, limits, refused } = judgeStartup(given, laneOf(behind("1.24")));

    expect(packet).toEqual(WHO);
    expect(limits).toEqual({
      statementTimeoutMs: 5_000,
      lockTimeoutMs: 20,
      serverIdleTimeoutMs: 9,
    });
    expect(refused).toEqual([]);
  });

  test.each([
    ["-c statement_timeout=5s", { statementTimeoutMs: 5_000 }],
    ["-cstatement_timeout=1min", { statementTimeoutMs: 60_000 }],
    [
      "--statement-timeout=250 -c lock_timeout=1s",
      { statementTimeoutMs: 250, lockTimeoutMs: 1_000 },
    ],
  ])("options %s: limits in them, too", (options, limits) => {
    const verdict = judgeStartup({ ...WHO, options }, laneOf(behind("1.18")));

    expect(verdict.limits).toEqual(limits);
    expect(verdict.packet).toEqual(WHO);
    expect(verdict.refused).toEqual([]);
  });

  test.each([
    [{ statement_timeout: "5000", options: "-c statement_timeout=60s" }, 5_000],
    [{ options: "-c statement_timeout=60s", statement_timeout: "5000" }, 5_000],
    [{ statement_timeout: "5000", options: "-c statement_timeout=0" }, 5_000],
    [{ options: "-c statement_timeout=1s -c statement_timeout=2s" }, 2_000],
  ])(
    "of two limits of one name the one holds that Postgres would take: %o, %d ms",
    (own, limit) => {
      const { limits, refused } = judgeStartup({ ...WHO, ...own }, laneOf(behind("1.24")));

      expect(limits).toEqual({ statementTimeoutMs: limit });
      expect(refused).toEqual([]);
    },
  );

  test.each([
    [{ options: "-c search_path=a" }, "search_path", "options"],
    [{ options: "-c constructor=1" }, "constructor", "options"],
    [{ options: "-c statement_timeout=1s -c role=x" }, "role", "options"],
    [{ options: "-c statement_timeout=soon" }, "statement_timeout", "options"],
    [{ options: "-B 100" }, "options", "options"],
    [{ replication: "database" }, "replication", "replication"],
    [{ some_future_parameter: "1" }, "some_future_parameter", "some_future_parameter"],
  ])("%o is refused: %s", (extra, name, carrier) => {
    const verdict = judgeStartup({ ...WHO, ...extra }, laneOf(behind("1.18")));

    expect(verdict.refused).toEqual([{ name, carrier }]);
  });

  test("keeps what the pooler reads and tracks", () => {
    const options = "-c TimeZone=UTC -c statement_timeout=7";

    const verdict = judgeStartup({ ...WHO, options }, laneOf(behind("1.24")));

    expect(verdict.packet).toEqual({ ...WHO, options: "-c timezone=UTC" });
    expect(verdict.limits).toEqual({ statementTimeoutMs: 7 });
    expect(verdict.refused).toEqual([]);
  });

  test.each([
    ["direct lane", {}, { lane: "direct" }] as const,
    ["no pooler", { targets: { main: { pooler: { kind: "none" } } } }, {}] as const,
  ])("%s: is left alone", (_, policy, choice) => {
    const given = { ...WHO, options: "-c search_path=a", statement_timeout: "5" };

    const verdict = judgeStartup(given, laneOf(policy, choice));

    expect(verdict).toMatchObject({ packet: given, translated: [], refused: [] });
  });
});

describe("a packet that cannot be sent", () => {
  test.each([
    [{ user: "a\0b" }, "user"],
    [{ database: "a\0options\0-c x=y" }, "database"],
    [{ options: "-c a=b\0role\0admin" }, "options"],
    [{ options: "-c jit=off\n" }, undefined],
    [{ options: "-c\tjit=off" }, undefined],
    [{ statement_timeout: "5\0" }, "statement_timeout"],
    [{ user: "ünï code" }, undefined],
  ])("%o", (packet, name) => {
    expect(brokenParameter(packet)).toBe(name);
  });
});

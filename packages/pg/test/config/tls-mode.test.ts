import { isPolicyError } from "@doorpolicy/core";
import pg from "pg";
import { afterEach, describe, expect, test, vi } from "vitest";

import { applyToPoolConfig, describePoolConfig } from "../../src/config/index.ts";
import { attempt } from "./attempt.ts";
import { laneOf } from "./policies.ts";

const URL = "postgresql://u:hunter2@h:6432/db";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("a TLS mode", () => {
  const VERIFY = `${URL}?sslmode=verify-full`;
  const table: readonly (readonly [
    query: string,
    standing: string | undefined,
    outcome: string,
  ])[] = [
    ["", undefined, URL],
    ["?sslmode=disable", "explicit", `${URL}?sslmode=disable`],
    ["?sslmode=no-verify", "explicit", `${URL}?sslmode=no-verify`],
    ["?sslmode=verify-full", "explicit", VERIFY],
    ["?sslmode=require", "ambiguous", VERIFY],
    ["?sslmode=prefer", "ambiguous", VERIFY],
    ["?sslmode=verify-ca", "ambiguous", VERIFY],
    ["?sslmode=allow", "unknown", "options/refused"],
    ["?sslmode=Require", "unknown", "options/refused"],
    [
      "?sslmode=require&uselibpqcompat=true",
      "explicit",
      `${URL}?sslmode=require&uselibpqcompat=true`,
    ],
    ["?sslmode=no-verify&uselibpqcompat=true", "unknown", "options/refused"],
    ["?ssl=true", undefined, `${URL}?ssl=true`],
    ["?ssl=0", undefined, `${URL}?ssl=0`],
    ["?ssl=false", "unknown", "options/refused"],
    ["?ssl=", "unknown", "options/refused"],
    ["?ssl=&sslmode=verify-full", "explicit", `${URL}?ssl=&sslmode=verify-full`],
    ["?sslmode=", undefined, `${URL}?sslmode=`],
    ["?sslmode=constructor", "unknown", "options/refused"],
    ["?ssl=constructor", "unknown", "options/refused"],
    ["?sslnegotiation=direct", undefined, `${URL}?sslnegotiation=direct`],
  ];
  for (const [query, standing, outcome] of table) {
    test(`${query || "none"} is ${standing ?? "nobody's word"}: ${outcome === "options/refused" ? outcome : outcome.slice(URL.length)}`, () => {
      const config = { connectionString: `${URL}${query}` };

      const { tlsMode } = describePoolConfig(config, {
        client: "pg",
        target: "main",
        lane: "pooled",
      });
      const applied = attempt(() => applyToPoolConfig(config, laneOf()).config["connectionString"]);

      expect(tlsMode?.value.standing).toBe(standing);
      expect(isPolicyError(applied) ? applied.code : applied).toBe(outcome);
    });
  }

  test.each([
    ["require", { ssl: true }],
    ["verify-full", {}],
    ["disable", {}],
    ["allow", { code: "options/refused" }],
    ["requre", { code: "options/refused" }],
    ["constructor", { code: "options/refused" }],
  ])("%s in PGSSLMODE", (PGSSLMODE, expected) => {
    const applied = attempt(
      () =>
        applyToPoolConfig({ connectionString: URL }, laneOf(), { environment: { PGSSLMODE } })
          .config,
    );

    expect(applied).toMatchObject(expected);
  });

  test.each([
    ["require", "verify-full"],
    ["no-verify", "no-verify"],
    ["allow", "off"],
  ])("%s in PGSSLMODE does %s", (PGSSLMODE, does) => {
    const { tlsMode } = describePoolConfig(URL, {
      client: "pg",
      target: "main",
      lane: "pooled",
      environment: { PGSSLMODE },
    });

    expect(tlsMode).toMatchObject({ path: "env PGSSLMODE", value: { does } });
  });

  test.each([
    ["sslnegotiation=direct", true],
    ["ssl=true", true],
    ["ssl=", false],
  ])("%s in the URL leaves PGSSLMODE without effect", (query, ssl) => {
    vi.stubEnv("PGSSLMODE", "no-verify");
    const connectionString = `${URL}?${query}`;

    const { tlsMode } = describePoolConfig(connectionString, {
      client: "pg",
      target: "main",
      lane: "pooled",
      environment: process.env,
    });

    expect(tlsMode?.path).not.toBe("env PGSSLMODE");
    expect(new pg.Client({ connectionString }).ssl).toBe(ssl);
  });

  test("is said where it was written out, and left alone in observe", () => {
    const config = { connectionString: `${URL}?sslmode=require` };

    const { changes } = applyToPoolConfig(config, laneOf());
    const observed = applyToPoolConfig(config, laneOf({ mode: "observe" })).config;

    expect(changes).toContainEqual({
      path: "connectionString?sslmode",
      from: "require",
      to: "verify-full",
      kind: "overridden",
      why: expect.stringContaining("pg 8"),
    });
    expect(observed).toMatchObject(config);
  });

  // The table of `tlsModeOf`, held against pg: `pg.Client.ssl` is what it would connect with.
  test.each([
    ["sslmode=disable", false],
    ["sslmode=prefer", {}],
    ["sslmode=require", {}],
    ["sslmode=verify-ca", {}],
    ["sslmode=verify-full", {}],
    ["sslmode=allow", {}],
    ["sslmode=no-verify", { rejectUnauthorized: false }],
    ["sslmode=require&uselibpqcompat=true", { rejectUnauthorized: false }],
    ["sslmode=no-verify&uselibpqcompat=true", {}],
    ["ssl=false", "false"],
    ["ssl=", false],
    ["ssl=&sslmode=verify-full", {}],
    ["sslmode=", false],
    ["sslnegotiation=direct", true],
  ])("%s is to pg what the table says", (query, ssl) => {
    vi.spyOn(process, "emitWarning").mockReturnValue();

    expect(new pg.Client({ connectionString: `${URL}?${query}` }).ssl).toEqual(ssl);
  });

  test.each([
    ["require", true],
    ["allow", false],
  ])("%s in PGSSLMODE is to pg what the table says", (mode, ssl) => {
    vi.stubEnv("PGSSLMODE", mode);

    expect(new pg.Client({ connectionString: URL }).ssl).toBe(ssl);
  });
});

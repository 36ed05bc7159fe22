import { describe, expect, test } from "vitest";

import { type Environment, isDirectPooled, isPooledPlace, type Policy } from "../../src/index.ts";
import { resolved } from "../support.ts";

/** A target with a pooler in transaction mode, unless it says otherwise. */
function target(own: NonNullable<Policy["targets"]>["main"]): Parameters<typeof isDirectPooled>[0] {
  const { main } = resolved({
    targets: { main: { pooler: { kind: "pgbouncer" }, ...own } },
  }).targets;
  if (main === undefined) throw new Error("There is no target.");
  return main;
}

describe("a direct lane is the pooled one", () => {
  const table: readonly (readonly [
    pooled: string,
    direct: string,
    environment: Environment,
    isPooled: boolean,
  ])[] = [
    ["postgres://a@h:6432/d", "postgres://b:p@H:6432/d", {}, true],
    ["postgres://a@h:6432/d", "postgres://a@h/d", {}, false],
    ["postgres://a@h:6432/d", "postgres://a@h:6432/e", {}, false],
    ["postgres://a@h/d", "postgres://a@h:5432/d", {}, true],
    ["postgres:///d", "postgres://localhost/d", {}, true],
    ["postgres://a@h:6432/d", "postgres://a@h/d", { PGPORT: "6432" }, true],
    ["postgres://a@h:6432/d", "postgres://a@h:5432/d", { PGPORT: "6432" }, false],
    ["postgres://a@h/d", "postgres:///d", { PGHOST: "h" }, true],
    ["postgres://a@h/d", "postgres://a@h", { PGDATABASE: "d" }, true],
  ];
  for (const [pooled, direct, environment, isPooled] of table) {
    test(`${pooled}, ${direct} ${JSON.stringify(environment)}: ${isPooled ? "yes" : "no"}`, () => {
      expect(isDirectPooled(target({ pooled, direct }), environment)).toBe(isPooled);
    });
  }

  test("not where a session is kept, where a URL is missing, and where one cannot be read", () => {
    const url = "postgres://a@h:6432/d";
    const none = target({ pooler: { kind: "none" }, pooled: url, direct: url });

    expect(isDirectPooled(none)).toBe(false);
    expect(isDirectPooled(target({ pooled: url }))).toBe(false);
    expect(isDirectPooled(target({ direct: url }))).toBe(false);
    expect(isDirectPooled(target({}))).toBe(false);
  });

  test("by an address of a client's own", () => {
    const own = target({ pooled: "postgres://a@h:6432/d", direct: "postgres://a@h/d" });

    expect(isPooledPlace(own, { host: "h", port: "6432", database: "d" })).toBe(true);
    expect(isPooledPlace(own, { host: "h", database: "d" }, { PGPORT: "6432" })).toBe(true);
    expect(isPooledPlace(own, { host: "h", port: "6432", database: "e" })).toBe(false);
  });
});

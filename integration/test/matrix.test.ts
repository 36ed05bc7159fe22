import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { clients } from "../src/clients/registry.ts";
import type { ServerRecords } from "../src/matrix/collect.ts";
import { differences } from "../src/matrix/differences.ts";
import { markdownOf } from "../src/matrix/markdown.ts";
import { matrixOf } from "../src/matrix/matrix.ts";
import type { ScenarioRecord } from "../src/record.ts";
import type { Scenario } from "../src/scenario.ts";
import { matrixServers } from "../src/server.ts";

const run = (): Promise<void> => Promise.resolve();
const scenarios: readonly Scenario[] = [
  { id: "naming/one", title: "is named", feature: "Names", run },
  { id: "naming/two", title: "is named twice", feature: "Names", run },
  { id: "ordinary/three", title: "works", feature: "Life", run },
];
const [client] = clients;
const [server] = matrixServers;
assert.ok(client !== undefined && server !== undefined);

/** One client on one server; results in the order of the scenarios above. */
function runs(without: Results, withPolicy: Results, reason = ""): readonly ServerRecords[] {
  assert.ok(client !== undefined && server !== undefined);
  const records = (results: Results): ScenarioRecord[] =>
    scenarios.map(({ id }, index) => ({
      scenario: id,
      client: client.id,
      server: server.id,
      result: results[index] ?? "skip",
      reason,
    }));
  return [{ server, without: records(without), with: records(withPolicy) }];
}
type Results = readonly ScenarioRecord["result"][];

describe("a cell of the matrix", () => {
  const cases: readonly [string, Results, Results, string][] = [
    ["one scenario fails without the policy", ["pass", "fail"], ["pass", "pass"], "✗ → ✓"],
    ["all pass on both sides", ["pass", "pass"], ["pass", "pass"], "✓"],
    ["all fail on both sides", ["fail", "fail"], ["fail", "fail"], "✗ → ✗"],
    ["the policy breaks one", ["pass", "pass"], ["pass", "fail"], "✓ → ✗"],
    ["what can be asked passes", ["skip", "fail"], ["skip", "pass"], "✗ → ✓"],
    ["nothing can be asked", ["skip", "skip"], ["skip", "skip"], "–"],
  ];
  test.each(cases)("%s", (_, without, withPolicy, symbol) => {
    assert.ok(client !== undefined);

    const text = markdownOf(matrixOf([client], scenarios, runs(without, withPolicy)));

    assert.ok(text.includes(`\n| Names | ${symbol} |\n`), text);
  });
});

test("a scenario's sentence names the plain clients that fail it", () => {
  assert.ok(client !== undefined);
  const matrix = matrixOf(
    [client],
    scenarios,
    runs(["fail", "pass", "pass"], ["pass", "pass", "pass"]),
  );

  const text = markdownOf(matrix);

  assert.ok(text.includes("- `naming/one`: is named (pg)\n- `naming/two`: is named twice\n"), text);
});

describe("a committed matrix", () => {
  assert.ok(client !== undefined);
  const all: Results = ["pass", "pass", "pass"];
  const committed = matrixOf([client], scenarios, runs(["fail", "pass", "pass"], all));

  test("fits a run that says the same", () => {
    const again = matrixOf([client], scenarios, runs(["fail", "pass", "pass"], all));

    assert.deepEqual(differences(committed, again), []);
  });

  test("does not fit a run in which a plain client passes what it failed", () => {
    assert.ok(server !== undefined);
    const other = matrixOf([client], scenarios, runs(all, all));

    assert.deepEqual(differences(committed, other), [
      `naming/one, pg, ${server.id}: committed fail without, pass with, now pass without, pass with`,
    ]);
  });

  test("does not fit a run with another client version", () => {
    const other = matrixOf(
      [{ ...client, version: "0.0.0" }],
      scenarios,
      runs(["fail", "pass", "pass"], all),
    );

    assert.deepEqual(differences(committed, other), [
      `client pg: committed pg ${client.version}, now pg 0.0.0`,
    ]);
  });

  test("is not proven by a run that had no server at all", () => {
    const none: Results = ["skip", "skip", "skip"];
    const other = matrixOf([client], scenarios, runs(none, none, "PgBouncer cannot be had here."));

    assert.deepEqual(differences(committed, other), [
      "No server of the matrix could be had; nothing was compared.",
    ]);
  });
});

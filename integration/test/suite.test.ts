import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { clients } from "../src/clients/registry.ts";
import { skipReason } from "../src/scenario.ts";
import { scenarios } from "../src/scenarios/registry.ts";
import { servers } from "../src/server.ts";

describe("the registries", () => {
  test("give every scenario, client and server an id of its own", () => {
    for (const registry of [scenarios, clients, servers]) {
      const ids = registry.map(({ id }) => id);

      assert.equal(new Set(ids).size, ids.length);
    }
  });

  test("give every scenario of one feature to one row, in one place", () => {
    const features = scenarios.map(({ feature }) => feature);

    for (const feature of new Set(features)) assert.ok(feature.length <= 60, feature);
    for (const { id, title } of scenarios) {
      assert.match(id, /^[a-z]+\/[a-z-]+$/);
      assert.doesNotMatch(title, /\bshould\b|\.$/);
    }
  });

  test("run every scenario with some client on some server", () => {
    for (const scenario of scenarios) {
      const runs = clients.some((client) =>
        servers.some((server) => skipReason(scenario, client, server, true) === undefined),
      );

      assert.ok(runs, `${scenario.id} is skipped everywhere.`);
    }
  });
});

test("a skip names the client and what it lacks", () => {
  const scenario = scenarios.find(({ id }) => id === "transaction/given-back-open");
  const prisma = clients.find(({ id }) => id === "prisma-7");
  const [server] = servers;
  assert.ok(scenario !== undefined && prisma !== undefined && server !== undefined);

  const reason = skipReason(scenario, prisma, server, true);

  assert.equal(reason, "Prisma 7 hands no connection to the application");
});

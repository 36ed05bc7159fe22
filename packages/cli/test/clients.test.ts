import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { clientsNear } from "../src/check/clients.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "doorpolicy-clients-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("the clients of a package", () => {
  test.each([
    [{ "@prisma/client": "^7.1.0" }, ["prisma"]],
    [{ "@prisma/client": "6.19.3" }, ["prisma-engine"]],
    [{ "@prisma/client": "6.19.3", "@prisma/adapter-pg": "6.19.3" }, ["prisma"]],
    [{ prisma: "~5.22" }, ["prisma-engine"]],
    [{ "@prisma/client": "latest" }, ["prisma"]],
    [{ typeorm: "^0.3.0", pg: "8" }, ["typeorm"]],
    [{ typeorm: "1", "@prisma/client": "7", pg: "8" }, ["prisma", "typeorm"]],
    [{ pg: "8" }, ["pg"]],
    [{ express: "5" }, ["pg"]],
  ])("%j", (dependencies, expected) => {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ devDependencies: dependencies }));

    const clients = clientsNear(folder);

    expect(clients).toEqual(expected);
  });

  test("is asked of the nearest package.json that can be read", () => {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { typeorm: "1" } }));

    const clients = clientsNear(join(folder, "deep", "down"));

    expect(clients).toEqual(["typeorm"]);
  });
});

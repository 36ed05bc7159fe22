import { fileURLToPath } from "node:url";

import { definePolicy } from "@doorpolicy/core";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { DataSource } from "typeorm";
import { describe, expect, test } from "vitest";

import { subjectsOf } from "../src/check/exports.ts";
import { importTranspiled } from "../src/check/load-module.ts";
import { PrismaClient } from "../src/demo/generated/client.ts";

const URL_TEXT = "postgresql://u@h.example/db";
const options = { type: "postgres", url: URL_TEXT } as const;
const adapter = new PrismaPg({ connectionString: URL_TEXT });
const policy = definePolicy({ naming: { app: "billing" } });

describe("the exports of a module", () => {
  test.each([
    ["DataSource options", { options }, ["typeorm: export options"]],
    ["a DataSource", { ds: new DataSource(options) }, ["typeorm: export ds"]],
    [
      "a list",
      { all: [options, { ...options }] },
      ["typeorm: export all[0]", "typeorm: export all[1]"],
    ],
    ["Prisma options", { options: { adapter, log: [] } }, ["prisma: export options"]],
    ["an adapter of Prisma", { adapter }, ["prisma: export adapter"]],
    ["a PrismaClient", { prisma: new PrismaClient({ adapter }) }, ["prisma: export prisma"]],
    ["a pool", { pool: new pg.Pool({ connectionString: URL_TEXT }) }, ["pg: export pool"]],
    ["a policy", { default: policy }, ["policy: export default"]],
    ["the same thing twice", { options, default: options }, ["typeorm: export options"]],
    ["what module.exports holds", { default: { a: options, b: 1 } }, ["typeorm: export a"]],
    ["options of another database", { options: { type: "mysql" } }, []],
    ["other things", { a: 1, b: null, c: () => options, d: [[options]], e: new Map() }, []],
  ])("%s", (_, exported, expected) => {
    const subjects = subjectsOf(exported);

    expect(subjects.map(({ kind, subject }) => `${kind}: ${subject}`)).toEqual(expected);
  });
});

test("a module with decorated definite fields can be transpiled", async () => {
  const file = fileURLToPath(new URL("fixtures/entity.ts", import.meta.url));

  const exported = await importTranspiled(file);

  expect(exported).toMatchObject({ options: { applicationName: "billing:deploy@web-1" } });
});

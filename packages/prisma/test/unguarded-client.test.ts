import { definePolicy, type Mode } from "@doorpolicy/core";
import { PrismaPg } from "@prisma/adapter-pg";
import { describe, expect, test } from "vitest";

import { PrismaClient } from "../../../integration/generated/client.ts";
import { datasourceUrl, describeDatasourceUrl, units, withPolicy } from "../src/index.ts";

const URL = "postgres://app:app@db:6432/app";

function policyOf(mode: Mode = "enforce"): ReturnType<typeof definePolicy> {
  return definePolicy({
    mode,
    targets: {
      main: {
        pooled: URL,
        direct: "postgres://app:app@db:5432/app",
        requireSetting: ["app.tenant"],
      },
    },
  });
}

describe("$extends(units)", () => {
  test("takes a client that went through withPolicy, also with another adapter around its own", () => {
    const options = withPolicy({}, policyOf());
    const { adapter } = options;
    const around = { ...options, adapter: { ...adapter, connect: () => adapter.connect() } };

    expect(() => new PrismaClient(options).$extends(units)).not.toThrow();
    expect(() => new PrismaClient(around).$extends(units)).not.toThrow();
  });

  test("refuses a PrismaPg without the policy, whose statements would know no unit", () => {
    const plain = new PrismaClient({ adapter: new PrismaPg({ connectionString: URL }) });

    expect(() => plain.$extends(units)).toThrow(
      expect.objectContaining({ code: "options/refused", path: "adapter" }),
    );
  });

  test("refuses a client on Prisma's own engine, as it is without an adapter", () => {
    const native = new PrismaClient(withPolicy({}, policyOf()));
    const config: object = Reflect.get(native, "_engineConfig");
    Reflect.deleteProperty(config, "adapter");

    expect(() => native.$extends(units)).toThrow(
      expect.objectContaining({ code: "driver/native", path: "$extends(units)" }),
    );
  });
});

describe("datasourceUrl() of a target that requires a setting", () => {
  test("is refused, since Prisma's own engine sends none", () => {
    for (const make of [datasourceUrl, describeDatasourceUrl]) {
      expect(() => make(policyOf())).toThrow(
        expect.objectContaining({
          code: "unit/required-setting",
          path: "targets.main.requireSetting",
        }),
      );
    }
  });

  test("is there for Prisma's CLI on the direct lane, and where the mode refuses nothing", () => {
    expect(datasourceUrl(policyOf(), { lane: "direct" })).toContain("db:5432");
    expect(datasourceUrl(policyOf("observe"))).toContain("db:6432");
    expect(datasourceUrl(policyOf("bypass"))).toContain("db:6432");
  });
});

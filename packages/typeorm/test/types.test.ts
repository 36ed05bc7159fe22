import type { DataSourceOptions } from "typeorm";
import { DataSource } from "typeorm";
import type { DataSourceOptions as DataSourceOptions03 } from "typeorm03";
import { DataSource as DataSource03 } from "typeorm03";
import { describe, expect, expectTypeOf, test } from "vitest";

import { withPolicy } from "../src/index.ts";
import { policyOf } from "./policies.ts";

describe("the types of withPolicy", () => {
  test("fit new DataSource() of TypeORM 1.x and 0.3", () => {
    const options = withPolicy({ type: "postgres", entities: [], extra: { max: 5 } }, policyOf());

    expectTypeOf(options).toExtend<DataSourceOptions>();
    expectTypeOf(options).toExtend<DataSourceOptions03>();
    expect(new DataSource(options).options.type).toBe("postgres");
    expect(new DataSource03(options).options.type).toBe("postgres");
  });

  test("give back the type of declared options", () => {
    const declared: Extract<DataSourceOptions, { type: "postgres" }> = {
      type: "postgres",
      isolationLevel: "READ COMMITTED",
    };
    const declared03: Extract<DataSourceOptions03, { type: "postgres" }> = {
      type: "postgres",
      useUTC: true,
    };

    expectTypeOf(withPolicy(declared, policyOf())).toEqualTypeOf(declared);
    expectTypeOf(withPolicy(declared03, policyOf())).toEqualTypeOf(declared03);
  });

  test("take the union of all drivers, as a ConfigService returns it", () => {
    const declared = { type: "postgres" } as DataSourceOptions;

    expectTypeOf(withPolicy(declared, policyOf())).toEqualTypeOf(declared);
  });
});

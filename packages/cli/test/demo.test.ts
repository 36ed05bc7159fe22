import { expect, test } from "vitest";

import type { ServiceResult } from "../src/demo/demo-report.ts";
import { doorpolicy } from "./doorpolicy.ts";

interface DemoOutput {
  readonly servers: Readonly<Record<string, string>>;
  readonly without: Readonly<Record<"typeorm" | "prisma", ServiceResult>>;
  readonly with: Readonly<Record<"typeorm" | "prisma", ServiceResult>>;
}

const isAsPromised = (result: ServiceResult): boolean =>
  result.names.length > 0 &&
  result.names.every((name) => /^[^:@]+:[^:@]+@[^:@]+$/.test(name)) &&
  result.idleClientConnections === 0 &&
  result.idleInTransaction === 0 &&
  result.durable === result.acknowledged;

// Servers are fetched, on a machine that has none; the demo itself takes about 20 s.
test(
  "the demo shows both services break without the policy, and hold with it",
  { timeout: 170_000 },
  async () => {
    const { code, stdout, stderr } = await doorpolicy(["demo", "--json", "--allow-download"]);
    const demo: DemoOutput = JSON.parse(stdout);

    expect(demo.servers).toEqual({
      postgres: expect.stringMatching(/^17\./),
      pgbouncer: "1.24.1",
      poolMode: "transaction",
    });
    for (const orm of ["typeorm", "prisma"] as const) {
      const { [orm]: without } = demo.without;
      const { [orm]: guarded } = demo.with;
      expect(Object.keys(guarded)).toEqual([
        "requests",
        "names",
        "idleClientConnections",
        "idleInTransaction",
        "acknowledged",
        "durable",
        "rolledBack",
        "violations",
      ]);
      expect([without.requests, guarded.requests]).toEqual([40, 40]);
      expect(isAsPromised(without)).toBe(false);
      expect(isAsPromised(guarded)).toBe(true);
      // The row of the leaked block, with a violation for it, one for the bare BEGIN, and one for each
      // block whose COMMIT the server answered with ROLLBACK.
      expect(guarded).toMatchObject({ acknowledged: 46, rolledBack: 1, violations: 4 });
    }
    expect(stderr).toContain("Servers are ready");
    expect(code).toBe(0);
  },
);

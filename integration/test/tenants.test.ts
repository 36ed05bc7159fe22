import assert from "node:assert/strict";
import { expect, test } from "vitest";
import { storm } from "../src/tenants/storm.ts";

const LIMIT_MS = 90_000;

test(
  "10 tenants with 20 units each see and write their own rows alone, over two server connections",
  async () => {
    const report = await storm({ tenants: 10, units: 20, seed: 7 });

    const { findings } = report;
    expect(report.foreignReads).toEqual([]);
    expect(report.foreignWrites).toEqual([]);
    expect(report.hanging).toEqual([]);
    expect(findings.untold).toEqual([]);
    // A run in which everything fails would read nothing of anybody.
    assert.ok(findings.rowsRead > 1_000, `${findings.rowsRead} rows were read`);
    assert.ok(findings.kills > 5 && findings.aborts > 5 && findings.refused > 3);
    assert.ok(report.serverConnections <= 2);
  },
  LIMIT_MS,
);

import assert from "node:assert/strict";
import { expect, test } from "vitest";
import { storm } from "../src/tenants/storm.ts";

/** Some four minutes on a machine that does nothing else. */
const LIMIT_MS = 900_000;

test(
  "50 tenants with 200 units each see and write their own rows alone, over two server connections",
  async () => {
    const report = await storm({ tenants: 50, units: 200, seed: 11 });

    const { findings } = report;
    const { said, foreign: _, ...counts } = findings;
    process.stdout.write(
      `${JSON.stringify({ ...report, findings: { ...counts, said: Object.fromEntries(said) } })}\n`,
    );
    expect(report.foreignReads).toEqual([]);
    expect(report.foreignWrites).toEqual([]);
    expect(report.hanging).toEqual([]);
    expect(findings.untold).toEqual([]);
    assert.ok(findings.rowsRead > 100_000, `${findings.rowsRead} rows were read`);
    assert.ok(findings.kills > 500 && findings.aborts > 500 && findings.refused > 100);
    assert.ok(report.serverConnections <= 2);
  },
  LIMIT_MS,
);

import type { Orm } from "./service.ts";

/** What one service did to its database; the `R` of the JSON output. */
export interface ServiceResult {
  readonly requests: number;
  /** Every `application_name` that Postgres saw; `""` is no name. */
  readonly names: readonly string[];
  /** Client connections of the pooler with nothing running, a moment after the last answer. */
  readonly idleClientConnections: number;
  /** Transactions open with nothing running, a moment after the last answer. */
  readonly idleInTransaction: number;
  /** Rows whose COMMIT, or whose statement outside any block, resolved without error. */
  readonly acknowledged: number;
  /** Rows that are there after the last connection is gone. */
  readonly durable: number;
  /** Rows of blocks that leaked, and that are not there. */
  readonly rolledBack: number;
  /** How many violations the policy reported. */
  readonly violations: number;
}

/** A result, and what the table says beyond it. */
export interface ServiceStory {
  readonly result: ServiceResult;
  /** Acknowledged rows that are not there. */
  readonly lost: number;
  readonly longestIdleInTransactionMs: number;
  /** Violations per rule. */
  readonly rules: Readonly<Record<string, number>>;
}

/** What was asked. */
interface ServerVersions {
  readonly postgres: string;
  readonly pgbouncer: string;
  readonly poolMode: "transaction";
}

/** The whole demo. */
export interface DemoReport {
  readonly servers: ServerVersions;
  readonly without: Readonly<Record<Orm, ServiceStory>>;
  readonly with: Readonly<Record<Orm, ServiceStory>>;
}

/** The report as one JSON object. */
export function demoJson({ servers, without, with: guarded }: DemoReport): string {
  return JSON.stringify({ servers, without: resultsOf(without), with: resultsOf(guarded) });
}

function resultsOf({ typeorm, prisma }: DemoReport["with"]): Readonly<Record<Orm, ServiceResult>> {
  return { typeorm: typeorm.result, prisma: prisma.result };
}

/** What the policy promised and did not keep; empty for a demo that went as it has to. */
export function brokenPromises(report: DemoReport): string[] {
  return (["typeorm", "prisma"] as const).flatMap((orm) => {
    const { names, idleClientConnections, idleInTransaction, acknowledged, durable } =
      report.with[orm].result;
    const broken: string[] = [];
    if (names.length === 0 || !names.every((name) => /^[^:@]+:[^:@]+@[^:@]+$/.test(name))) {
      broken.push(`${orm}: a connection had no name of the form app:user@host`);
    }
    if (idleClientConnections > 0)
      broken.push(`${orm}: ${idleClientConnections} connections stayed open`);
    if (idleInTransaction > 0) broken.push(`${orm}: ${idleInTransaction} transactions stayed open`);
    if (durable !== acknowledged) {
      broken.push(`${orm}: ${acknowledged} rows were acknowledged and ${durable} are there`);
    }

    return broken;
  });
}

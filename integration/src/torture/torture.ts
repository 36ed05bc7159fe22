import { closedIn, droppedBecauseOfUs } from "./drops.ts";
import { inWords } from "./errors.ts";
import { type Broken, judgeRest, judgeRows, judgeUnits } from "./judge.ts";
import { planOf } from "./make-plan.ts";
import { runUnit, type UnitRecord } from "./run-unit.ts";
import { type Lane, openWorld } from "./world.ts";

/** What is run. */
export interface TortureOptions {
  readonly units: number;
  readonly seed: number;
  /** Of these indices alone, to look at one again. */
  readonly only?: readonly number[];
  /** The PgBouncer version. @default "1.24" */
  readonly pooler?: string;
  /** How many units run at a time. @default 8 */
  readonly lanes?: number;
  readonly allowDownload: boolean;
  readonly onProgress?: (done: number) => void;
}

/** What came of it. */
export interface TortureReport {
  readonly seed: number;
  readonly units: number;
  readonly acknowledged: number;
  readonly failed: number;
  readonly unknown: number;
  /** Server connections that PgBouncer dropped because of a client. */
  readonly dropped: number;
  /** At most so many had to be: the proxy cut a connection in a unit. */
  readonly mayDrop: number;
  /** Why PgBouncer closed server connections, all of them. */
  readonly closed: Readonly<Record<string, number>>;
  /** Backends that were ended by plan. */
  readonly killed: number;
  /** How often each rule was reported. */
  readonly reports: Readonly<Record<string, number>>;
  /** What units were told that failed, with figures replaced, and how many of them. */
  readonly told: Readonly<Record<string, number>>;
  readonly broken: readonly Broken[];
  /** From the first unit to the last, servers not counted. */
  readonly ms: number;
}

/** Runs the units of a seed, and holds what they were told against what the servers say. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { units, seed, only, pooler = "1.24", lanes = 8, allowDownload, onProgress } = options;
  const indices = only ?? Array.from({ length: units }, (_, index) => index);
  const broken: Broken[] = [];
  const onStray = (error: unknown): void =>
    void broken.push({ what: `The process would have ended: ${inWords(error)}` });
  process.on("uncaughtException", onStray);
  process.on("unhandledRejection", onStray);
  try {
    await using world = await openWorld(pooler, lanes, allowDownload);
    const mark = world.bed.logs.mark();
    const records: UnitRecord[] = [];
    const left = indices.toReversed();
    const started = performance.now();
    await Promise.all(
      world.lanes.map(async (lane: Lane) => {
        for (let index = left.pop(); index !== undefined; index = left.pop()) {
          records.push(await runUnit(planOf(seed, index), world, lane));
          onProgress?.(records.length);
        }
      }),
    );
    const ms = Math.round(performance.now() - started);

    broken.push(...judgeUnits(records));
    broken.push(...(await judgeRest(world)));
    broken.push(...(await judgeRows(world, records)));
    await world.closeClients();
    // The console answers after everything that came before, so the log is complete by then.
    await world.bed.admin("show version");
    const closed = closedIn(world.bed.logs.since(mark, "pooler"));
    const dropped = droppedBecauseOfUs(closed);
    const mayDrop = records.filter(({ wasCut }) => wasCut).length;
    if (dropped > mayDrop) {
      broken.push({
        what: `PgBouncer dropped ${dropped} server connections because of a client, and ${mayDrop} units were cut.`,
      });
    }
    const count = (outcome: UnitRecord["outcome"]): number =>
      records.filter((record) => record.outcome === outcome).length;
    return {
      seed,
      units: records.length,
      acknowledged: count("acknowledged"),
      failed: count("failed"),
      unknown: count("unknown"),
      dropped,
      mayDrop,
      closed: Object.fromEntries(closed),
      killed: records.reduce((sum, { kills }) => sum + kills, 0),
      reports: Object.fromEntries([...world.reports].toSorted(([a], [b]) => a.localeCompare(b))),
      told: toldIn(records),
      broken,
      ms,
    };
  } finally {
    process.off("uncaughtException", onStray);
    process.off("unhandledRejection", onStray);
  }
}

function toldIn(records: readonly UnitRecord[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const { outcome, said } of records) {
    if (outcome === "acknowledged") continue;
    const text = said.replaceAll(/\d+/g, "N").slice(0, 160);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].toSorted(([, a], [, b]) => b - a));
}

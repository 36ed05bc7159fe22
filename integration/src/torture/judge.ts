import { eventually } from "../expect.ts";
import { expect, nothingExpected } from "./ledger.ts";
import { COUNTERS } from "./make-plan.ts";
import type { Plan } from "./plan.ts";
import type { UnitRecord } from "./run-unit.ts";
import { TAKEN, type TortureWorld } from "./world.ts";

/** A promise that was not kept. */
export interface Broken {
  readonly what: string;
  /** Absent where it cannot be told which unit it was. */
  readonly unit?: number;
  readonly plan?: Plan;
  /** What the unit was told. */
  readonly said?: string;
}

/** How long servers may take to notice what has ended. */
const PATIENCE_MS = 8_000;

/** What single units were told and did, without the servers. */
export function judgeUnits(records: readonly UnitRecord[]): readonly Broken[] {
  return records.flatMap(({ plan, outcome, said, problems, afterCommits }) => {
    const whats = [...problems];
    if (outcome === "hangs") whats.push("The unit hangs.");
    if (plan.isSure && outcome !== "acknowledged") {
      whats.push("The unit failed, and nothing in its plan makes it fail.");
    }
    if (outcome === "unknown" && plan.fault === undefined) {
      whats.push("An outcome is unknown, and nobody has cut a connection.");
    }
    for (const { entry, calls } of afterCommits) {
      if (calls > (entry.told === "stored" ? 1 : 0)) {
        whats.push(`A function of afterCommit() was called ${calls} times; it is ${entry.told}.`);
      }
    }
    return whats.map((what) => ({ what, unit: plan.index, plan, said }));
  });
}

/** What is stored, against what was told of it. */
export async function judgeRows(
  { observer }: TortureWorld,
  records: readonly UnitRecord[],
): Promise<readonly Broken[]> {
  const { rows } = await observer.query<{ part: string }>(
    "select number as part from invoice union all select text from invoice_line",
  );
  const stored = new Set(rows.map(({ part }) => part));
  const broken: Broken[] = [];
  const counted = new Map<number, { stored: number; unknown: number }>();
  for (const { plan, said, entry } of records) {
    const expected = nothingExpected();
    expect(expected, entry);
    const note = (what: string): void => void broken.push({ what, unit: plan.index, plan, said });
    for (const part of expected.present) {
      if (!stored.delete(part)) note(`${part} was acknowledged and is not stored.`);
    }
    for (const part of expected.absent) {
      if (stored.delete(part)) note(`${part} was not acknowledged and is stored.`);
    }
    for (const group of expected.groups) {
      const there = group.filter((part) => stored.delete(part));
      if (there.length > 0 && there.length < group.length) {
        note(`Of a transaction with unknown outcome only ${there.join(", ")} is stored.`);
      }
    }
    for (const [counter, counts] of expected.counted) {
      const sum = counted.get(counter) ?? { stored: 0, unknown: 0 };
      sum.stored += counts.stored;
      sum.unknown += counts.unknown;
      counted.set(counter, sum);
    }
  }
  stored.delete(TAKEN);
  for (let counter = 0; counter < COUNTERS; counter += 1) stored.delete(`counter:${counter}`);
  for (const part of stored) broken.push({ what: `${part} is stored, and no unit wrote it.` });
  return [...broken, ...(await judgeCounters(observer, counted))];
}

async function judgeCounters(
  observer: TortureWorld["observer"],
  counted: ReadonlyMap<number, { readonly stored: number; readonly unknown: number }>,
): Promise<readonly Broken[]> {
  const broken: Broken[] = [];
  for (const [counter, { stored, unknown }] of counted) {
    const { rows } = await observer.query<{ total: number }>(
      "select total from invoice where number = $1",
      [`counter:${counter}`],
    );
    const total = rows[0]?.total ?? -1;
    if (total < stored || total > stored + unknown) {
      broken.push({
        what: `Counter ${counter} is ${total}; ${stored} increments were acknowledged and ${unknown} are unknown.`,
      });
    }
  }
  return broken;
}

/** Nothing is open or connected any more, although no client has been closed. */
export async function judgeRest({ bed, observer }: TortureWorld): Promise<readonly Broken[]> {
  const broken: Broken[] = [];
  async function look(what: string, find: () => Promise<readonly unknown[]>): Promise<void> {
    try {
      await eventually(async () => {
        const found = await find();
        if (found.length > 0) throw new Error(`${what}: ${JSON.stringify(found)}`);
      }, PATIENCE_MS);
    } catch (error) {
      broken.push({ what: error instanceof Error ? error.message : String(error) });
    }
  }
  await look("Sessions of Postgres that are at something", async () => {
    const { rows } = await observer.query(
      `select pid, state, query from pg_stat_activity
       where backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'idle'`,
    );
    return rows;
  });
  await look("Clients that the pooler has connected", async () => {
    const clients = await bed.admin("show clients");
    return clients
      .filter((row) => row["database"] !== "pgbouncer")
      .map(({ state, port, connect_time }) => ({ state, port, connect_time }));
  });
  await look("Server connections that the pooler has in use", async () => {
    const servers = await bed.admin("show servers");
    return servers.filter((row) => row["state"] === "active");
  });
  return broken;
}

import { transaction, unitOfWork } from "@doorpolicy/pg";
import type { FaultProxy, FaultRule } from "@doorpolicy/testbed";
import { within } from "../expect.ts";
import { isUnknown } from "./errors.ts";
import { type Entry, newEntry } from "./ledger.ts";
import type { Fault, Plan } from "./plan.ts";
import { saidBy, SETTING, UnitRun } from "./unit-run.ts";
import type { Lane, TortureWorld } from "./world.ts";

/**
 * A unit that takes longer hangs. The longest way out is that of a caller who goes away while a black
 * hole has the connection: a cancel request and its answer, twice, and the wait for what runs still
 * (measured: 22 s).
 */
const UNIT_LIMIT_MS = 40_000;

/** How a unit went. */
export interface UnitRecord {
  readonly plan: Plan;
  readonly outcome: "acknowledged" | "failed" | "unknown" | "hangs";
  /** What its caller was told last. */
  readonly said: string;
  readonly entry: Entry;
  readonly problems: readonly string[];
  readonly afterCommits: UnitRun["afterCommits"];
  readonly kills: number;
  /** The proxy has ended one of its connections. */
  readonly wasCut: boolean;
}

/** Runs one unit to its end, with everything that it leaves behind. */
export async function runUnit(plan: Plan, world: TortureWorld, lane: Lane): Promise<UnitRecord> {
  const clients = plan.clients === "proxied" ? lane.clients : world[plan.clients];
  const unit = new UnitRun(plan, clients, (pid, begun) => terminate(world, pid, begun));
  const entry = newEntry();
  const rule = plan.fault === undefined ? undefined : arm(lane.proxy, plan.fault);
  let failure: unknown;
  let outcome: UnitRecord["outcome"] = "acknowledged";
  try {
    const work = perform(unit, entry).catch((error: unknown) => {
      failure = error ?? new Error("nothing");
    });
    await within(
      UNIT_LIMIT_MS,
      "The unit",
      work.then(() => unit.cleanUp()),
    );
    if (failure !== undefined) outcome = isUnknown(failure) ? "unknown" : "failed";
  } catch (error) {
    outcome = "hangs";
    failure = error;
  }
  const wasCut = rule !== undefined && hasCut(rule, plan.fault);
  rule?.remove();
  for (const connection of lane.proxy.connections) if (connection.blackHoled) connection.cut();
  const { problems, afterCommits, kills } = unit;
  const said = saidBy(failure);
  return { plan, outcome, said, entry, problems, afterCommits, kills, wasCut };
}

async function perform(unit: UnitRun, entry: Entry): Promise<void> {
  const { root, options, abortAfterMs } = unit.plan;
  if (root !== "transaction") {
    // What is in it is stored by itself; only what its parts were told counts.
    entry.told = "stored";
    const run = (): Promise<void> => unit.perform(entry);
    if (root === "plain") return await run();
    return await unitOfWork({ label: unit.name, setLocal: { [SETTING]: unit.name } }, run);
  }
  const caller = new AbortController();
  const timer =
    abortAfterMs === undefined ? undefined : setTimeout(() => caller.abort(), abortAfterMs);
  try {
    await unit.told(entry, () =>
      transaction({ ...options, label: unit.name, signal: caller.signal }, () => {
        // An earlier run was rolled back.
        const attempt = newEntry();
        for (const before of entry.inside) before.told = "undone";
        entry.inside.push(attempt);
        const run = unit.perform(attempt, entry);
        attempt.told = "stored";
        // Aborted, the transaction does not wait for it.
        unit.stragglers.push(run.catch(() => undefined));
        return run;
      }),
    );
  } finally {
    clearTimeout(timer);
  }
}

function arm(proxy: FaultProxy, fault: Fault): FaultRule {
  const { direction, message, about, nth, action } = fault;
  const condition = {
    direction,
    message,
    nth,
    ...(about === undefined
      ? {}
      : {
          match: ({ sql, tag }: { sql?: string; tag?: string }) =>
            (sql ?? tag ?? "").toLowerCase().includes(about),
        }),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a plan is JSON; the proxy checks the names.
  const rule = proxy.when(condition as Parameters<FaultProxy["when"]>[0], stepOf(action));
  if (action.kind === "blackHole" && action.cutAfterMs !== undefined) {
    const { cutAfterMs } = action;
    const cut = (): void => {
      for (const connection of proxy.connections) if (connection.blackHoled) connection.cut();
    };
    void rule.hit.then(() => setTimeout(cut, cutAfterMs)).catch(() => undefined);
  }
  return rule;
}

function stepOf(action: Fault["action"]): Parameters<FaultProxy["when"]>[1] {
  return action.kind === "blackHole" ? "blackHole" : action;
}

function hasCut(rule: FaultRule, fault: Fault | undefined): boolean {
  return fault !== undefined && fault.action.kind !== "delay" && rule.count >= fault.nth;
}

/** Ends a backend, if it is still in the transaction that it is meant in. */
async function terminate({ observer }: TortureWorld, pid: number, begun: string): Promise<boolean> {
  const { rows } = await observer.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where pid = $1 and xact_start = $2::timestamptz`,
    [pid, begun],
  );
  return rows.length > 0;
}

import { PolicyError } from "@doorpolicy/core";

import { after, cancel, now } from "../clock.ts";
import { registeredPools, sharedState } from "../registry.ts";
import { drainingError } from "./messages.ts";
import type { Unit } from "./unit.ts";

/** How `drain()` went. */
export interface DrainOutcome {
  /** True when every unit ended by itself before the deadline. */
  readonly isComplete: boolean;
  /** How many units were still running at the deadline; their transactions were rolled back. */
  readonly cut: number;
}

/** @throws PolicyError `unit/draining` once {@link drain} was called. */
export function refuseWhileDraining(): void {
  if (sharedState().isDraining === true) throw drainingError();
}

/** Counts an outermost unit as running until its promise settles. */
export function whileRunning<Result>(
  unit: Promise<Result>,
  outer: Unit | undefined,
): Promise<Result> {
  if (outer !== undefined && !outer.isOver) return unit;
  const running = (sharedState().running ??= new Set());
  running.add(unit);
  const done = (): void => void running.delete(unit);
  unit.then(done, done);
  return unit;
}

/**
 * Ends a process politely: refuses new units of work, waits for those that run, and then ends every
 * guarded pool of the process. What still runs at the deadline has its transaction rolled back and its
 * connection closed, so that the pooler keeps its server connections. Afterwards nothing of this
 * package holds the process, whoever asks for a connection gets `unit/draining`, and ending a pool, a
 * DataSource or a PrismaClient once more does nothing.
 *
 * Call it once, when no more requests are taken: `process.on("SIGTERM", () => drain(10_000))`. What is
 * outside of units is waited for as long as its pool waits for it, until the deadline.
 *
 * @param deadlineMs in milliseconds
 * @throws PolicyError `unit/invalid` for a deadline that is no number of milliseconds.
 */
export async function drain(deadlineMs = 10_000): Promise<DrainOutcome> {
  if (!Number.isFinite(deadlineMs) || deadlineMs < 0) {
    throw new PolicyError("unit/invalid", `The deadline of \`drain()\` is ${String(deadlineMs)}.`, {
      path: "deadlineMs",
      hint: "Pass a number of milliseconds from 0.",
    });
  }
  const state = sharedState();
  state.isDraining = true;
  const deadline = now() + deadlineMs;
  const running = state.running ?? new Set();
  const units = Promise.allSettled(running);
  const isComplete = await isBy(deadline, units);
  const cut = isComplete ? 0 : running.size;
  state.isDrained = true;
  const pools = registeredPools();
  const ended = Promise.allSettled(pools.map((pool) => pool.end()));
  if (!isComplete || !(await isBy(deadline, ended))) {
    await Promise.allSettled(pools.map((pool) => pool.endNow()));
  }
  return { isComplete, cut };
}

function isBy(deadline: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = after(Math.max(0, deadline - now()), () => resolve(false));
    timer.ref();
    void promise.then(() => {
      cancel(timer);
      resolve(true);
    });
  });
}

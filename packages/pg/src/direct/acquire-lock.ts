import { now } from "../clock.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import { outsideUnits } from "../units/context.ts";
import type { SqlKey } from "./advisory-key.ts";
import { answeredWithin } from "./answered-within.ts";
import { type Backoff, delayBefore, leftUntil, pause } from "./backoff.ts";
import type { DirectLane } from "./direct-lane.ts";
import { HeldLock } from "./held-lock.ts";
import { holderOf, notAcquired } from "./lock-errors.ts";
import type { CheckedLockOptions } from "./lock-options.ts";
import { firstRow } from "./rows.ts";
import { untilAborted } from "./until-aborted.ts";

/**
 * How often a lock is tried that somebody else has. The lock itself could be waited for in the server,
 * and a statement that waits holds a snapshot: VACUUM would stand still behind it, and `CREATE INDEX
 * CONCURRENTLY` of the holder would wait for the waiter, which waits for the holder.
 */
const TRIES: Backoff = { firstMs: 50, mostMs: 500 };

/** What a server has for its answer, in milliseconds, also where the wait for the lock ends before. */
const LEAST_ANSWER_MS = 1_000;

/**
 * Takes a lock, trying again while somebody else has it. Rejects with `lock/not-acquired`, the signal's
 * reason, or as the pool and its connections do; an answer that does not come within
 * `livenessTimeoutMs`, or what is left of `waitTimeoutMs`, is a lost connection.
 */
export async function acquireLock(
  direct: DirectLane,
  key: SqlKey,
  options: CheckedLockOptions,
): Promise<HeldLock> {
  const { tryOnly, waitTimeoutMs, livenessTimeoutMs, signal } = options;
  const begun = now();
  const deadline = begun + waitTimeoutMs;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const isLast = tryOnly || now() >= deadline;
    const client = await untilAborted(connected(direct), signal, (late) => late.release?.());
    const answerMs = Math.min(livenessTimeoutMs, Math.max(LEAST_ANSWER_MS, leftUntil(deadline)));
    const whose = isLast && direct.lane.lane === "direct";
    // Aborted meanwhile, it is not waited for: it may have the lock by then, and gives it back itself.
    const tried = await untilAborted(
      tryLock(client, key, { answerMs, livenessTimeoutMs, whose }),
      signal,
      (late) => late instanceof HeldLock && late.release(),
    );
    if (tried instanceof HeldLock) return tried;
    if (isLast) throw notAcquired(key, Math.round(now() - begun), tried.holder, tryOnly);
    await pause(Math.min(delayBefore(TRIES, attempt), leftUntil(deadline)), signal);
  }
}

/** Somebody else has it. */
interface TakenLock {
  /** In words, where it was asked for and somebody says it. */
  readonly holder: string | undefined;
}

interface TryOptions {
  readonly answerMs: number;
  readonly livenessTimeoutMs: number;
  /** Whether to ask who has it. */
  readonly whose: boolean;
}

/** Where it is not free its connection is given back: a thousand who wait are as many as there may be. */
async function tryLock(
  client: PgClient,
  key: SqlKey,
  { answerMs, livenessTimeoutMs, whose }: TryOptions,
): Promise<HeldLock | TakenLock> {
  const text = `select pg_try_advisory_lock(${key.placeholders}) as is_acquired`;
  let holder: string | undefined;
  try {
    const answer = await answeredWithin(client, answerMs, text, key.values);
    if (firstRow(answer)?.["is_acquired"] === true) {
      return new HeldLock(client, key, livenessTimeoutMs);
    }
    if (whose) holder = await holderOf(client, key, answerMs);
  } catch (error) {
    client.release?.(error);
    throw error;
  }
  client.release?.();
  return { holder };
}

/** A connection of the lock's own: the unit that the caller is in has others. */
function connected(direct: DirectLane): Promise<PgClient> {
  return new Promise((resolve, reject) => {
    outsideUnits(() =>
      direct.pool().connect((error, client) => {
        if (client === undefined) reject(error);
        else resolve(client);
      }),
    );
  });
}

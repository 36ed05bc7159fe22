import { loadPeer, peerAnchors } from "../config/index.ts";
import type { PgModule } from "../guard-pg.ts";
import { makeWithAdvisoryLock, type WithAdvisoryLock } from "./advisory-lock.ts";
import type { PgLoader } from "./direct-lane.ts";
import { type Listen, makeListen } from "./listen.ts";

/** What needs a session of its own. */
export interface DirectFunctions {
  readonly withAdvisoryLock: WithAdvisoryLock;
  readonly listen: Listen;
}

/** {@link withAdvisoryLock} and {@link listen} for an adapter: with the `pg` that its ORM uses. */
export function directFunctions(loadPg: PgLoader): DirectFunctions {
  let loading: PgModule | Promise<PgModule> | undefined;
  // The same one each time: what is made of it is kept with it. A failure is not kept: it may be cured.
  const load = async (): Promise<PgModule> => {
    try {
      return await (loading ??= loadPg());
    } catch (error) {
      loading = undefined;
      throw error;
    }
  };
  return { withAdvisoryLock: makeWithAdvisoryLock(load), listen: makeListen(load) };
}

function applicationPg(): PgModule {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- guardPg looks at it.
  return loadPeer("pg", "pg", peerAnchors(import.meta.url)) as PgModule;
}

const functions = directFunctions(applicationPg);

/**
 * Calls `run` while this process has an advisory lock, so that of all processes one does it at a time:
 * a nightly report, migrations, a leader. The lock is a session lock on a connection of its own on the
 * direct lane, held by nothing that a pooler could give to a stranger.
 *
 * ```ts
 * await withAdvisoryLock(policy, "nightly-report", { tryOnly: true }, async ({ signal }) => {
 *   await report(signal);
 * });
 * ```
 *
 * - It is free again when `run` has settled, whatever became of it, and when the process or its
 *   connection dies. When that happens while `run` is under way its `signal` is aborted, and the call
 *   rejects with `lock/lost` once `run` has settled, unless `run` itself rejects with something else:
 *   somebody else may have the lock by then.
 * - While somebody else has it, it is tried again every 50 to 500 ms, up to `waitTimeoutMs`. Nobody
 *   stands in a queue: of several who wait, any may come next. Who waits holds no connection.
 * - A call with the same key and database inside of `run` has the lock already, and the lock is free when
 *   both have settled.
 * - A server that does not answer whether the lock is free is given up after `livenessTimeoutMs`, or what is
 *   left of `waitTimeoutMs`, but not before 1 s: a lost connection like any other.
 * - `run` is called in the caller's unit of work. Inside a `transaction()` the call is refused: the lock
 *   would be free before the transaction is stored; `transaction({ advisoryLock }, fn)` is what ends
 *   with it.
 * - Connections for locks are kept as others of the lane, and count for `maxPerProcess` there.
 *
 * `source` is the policy, or a `pg` that `guardPg` has made. Rejects with whatever `run` rejects with;
 * `lock/not-acquired`, `lock/lost`, `lock/in-transaction`, `direct/invalid`, `policy/missing-url` where the
 * target has no direct lane, `connection/acquire-timeout`, `unit/draining`, and the signal's reason.
 */
export const withAdvisoryLock: WithAdvisoryLock = functions.withAdvisoryLock;

/**
 * Hears what others `NOTIFY`, on one connection of its own on the direct lane. Resolves when the server
 * has answered `LISTEN`: whatever is sent from then on is heard. Rejects where the first connection
 * fails; after that it connects again by itself, for as long as it is not closed, and says with `onGap`
 * that something may have been missed.
 *
 * ```ts
 * await using listener = await listen(policy, {
 *   channels: ["invoices"],
 *   onNotification: ({ payload }) => refresh(payload),
 *   onGap: () => refreshAll(),
 * });
 * ```
 *
 * Its connection bears the policy's name, stands beside `maxPerProcess`, and holds the process until the
 * listener is closed; `drain()` closes it. A unit of work around the call has no part in it.
 *
 * `source` is the policy, or a `pg` that `guardPg` has made. Rejects with `direct/invalid`,
 * `policy/missing-url` where the target has no direct lane, `unit/draining`, the signal's reason, or as
 * connecting does.
 */
export const listen: Listen = functions.listen;

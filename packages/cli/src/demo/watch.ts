import { setTimeout as sleep } from "node:timers/promises";

import { isIdleInTransaction, sessionsOf, type Servers } from "./servers-view.ts";

const INTERVAL_MS = 20;

/** What was seen of a service over a span of time. */
export interface Seen {
  /** Every `application_name` under which a statement of the service ran; `""` is no name. */
  readonly names: readonly string[];
  /** The longest time for which a transaction was open with nothing running. */
  readonly longestIdleInTransactionMs: number;
}

/** Looks at Postgres again and again until it is told to stop. */
export interface Watch {
  stop(): Promise<Seen>;
}

/** Starts to look; the sessions of the pooler itself are left out. */
export function startWatch(servers: Servers): Watch {
  const names = new Set<string>();
  const control = new AbortController();
  let longest = 0;

  const look = async (): Promise<void> => {
    while (!control.signal.aborted) {
      for (const session of await sessionsOf(servers)) {
        if (session.ours) names.add(session.name);
        if (isIdleInTransaction(session)) longest = Math.max(longest, session.sinceMs);
      }
      await sleep(INTERVAL_MS);
    }
  };
  const looking = look();
  // A failure is told by stop(); until then it must not be unhandled.
  looking.catch(() => {});

  return {
    async stop() {
      control.abort();
      await looking;
      return { names: [...names].toSorted(), longestIdleInTransactionMs: longest };
    },
  };
}

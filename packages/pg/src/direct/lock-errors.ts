import { PolicyError } from "@doorpolicy/core";

import type { PgClient } from "../driver/pg-internals.ts";
import type { SqlKey } from "./advisory-key.ts";
import { answeredWithin } from "./answered-within.ts";
import { firstRow } from "./rows.ts";

/**
 * The name that the holder's connection bears, and its backend: what every role may see of another's
 * session. A key stands in `pg_locks` in two halves, and `objsubid` says which kind it is.
 */
const HOLDER = `select a.application_name as name, a.pid
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and a.datname = current_database()
  and l.database = a.datid and l.classid = $1::oid and l.objid = $2::oid and l.objsubid = $3::int
limit 1`;

/** Who has a lock, in words; `undefined` where nobody says it within so many milliseconds. Never rejects. */
export async function holderOf(
  client: PgClient,
  key: SqlKey,
  withinMs: number,
): Promise<string | undefined> {
  try {
    const row = firstRow(await answeredWithin(client, withinMs, HOLDER, key.inLocks.map(String)));
    if (row === undefined) return undefined;
    const { name, pid } = row;
    return `\`${String(name)}\` (backend ${String(pid)})`;
  } catch {
    // It is only for the message.
    return undefined;
  }
}

/** Somebody else has it. */
export function notAcquired(
  { shown }: SqlKey,
  waitedMs: number,
  holder: string | undefined,
  isTry: boolean,
): PolicyError {
  const who = holder === undefined ? "another session" : holder;
  return new PolicyError(
    "lock/not-acquired",
    `The advisory lock ${shown} is held by ${who}${isTry ? "" : `, and was not free within ${waitedMs} ms`}; the function was not called.`,
    {
      hint: isTry
        ? "Leave the work to whoever has the lock, or wait for it with `waitTimeoutMs`."
        : "Look at what its holder does, or set a longer `waitTimeoutMs`.",
    },
  );
}

/** A session lock ends before the transaction around it does. */
export function inTransaction({ shown }: SqlKey): PolicyError {
  return new PolicyError(
    "lock/in-transaction",
    `The advisory lock ${shown} was asked for inside a transaction(): it would be free again before the transaction is stored, and the next holder would not see what this one has done.`,
    {
      hint: "Put `withAdvisoryLock()` around the `transaction()`, or use `transaction({ advisoryLock }, fn)`.",
    },
  );
}

import { type AnnouncedPooler, differenceFromAnnounced } from "@doorpolicy/core";

import type { PgClient } from "../driver/pg-internals.ts";
import type { Guard } from "../guard.ts";

/** The rule that is reported. */
const RULE = "pooler/differs";

/** What PgBouncer calls what it says of itself, in 1.26 and later. */
const ANNOUNCED: Readonly<Record<string, keyof AnnouncedPooler>> = {
  "pgbouncer.version": "version",
  "pgbouncer.pool_mode": "poolMode",
  "pgbouncer.max_prepared_statements": "maxPreparedStatements",
};

/** Guards whose lane has logged in once: what answers is the same for all of its connections. */
const judged = new WeakSet<Guard>();

/**
 * Holds what the pooler announces in the first login of a guarded module against what the policy says of
 * the lane, and reports a difference once (`pooler/differs`). Later connections are not listened to:
 * a login is a fraction of a millisecond, and has a dozen parameters. Not in bypass.
 *
 * A pooler that says nothing (older than 1.26, or another one) cannot be told from Postgres here.
 */
export function watchAnnounced(client: PgClient, guard: Guard): void {
  if (guard.lane.mode === "bypass" || judged.has(guard)) return;
  const announced: { -readonly [Key in keyof AnnouncedPooler]: AnnouncedPooler[Key] } = {};
  const { connection } = client;
  const note = (message: unknown): void => {
    if (typeof message !== "object" || message === null) return;
    if (!("parameterName" in message) || !("parameterValue" in message)) return;
    const key = ANNOUNCED[String(message.parameterName)];
    if (key !== undefined) announced[key] = String(message.parameterValue);
  };
  connection.on("parameterStatus", note);
  connection.once("readyForQuery", () => {
    connection.off("parameterStatus", note);
    if (judged.has(guard)) return;
    judged.add(guard);
    if (Object.keys(announced).length > 0) reportDifference(guard, announced);
  });
}

function reportDifference(guard: Guard, announced: AnnouncedPooler): void {
  const { target, lane, has } = guard.lane;
  const difference = differenceFromAnnounced(announced, { target, lane, has });
  if (difference !== undefined)
    guard.reportOnce(RULE, { rule: RULE, action: "reported", ...difference });
}

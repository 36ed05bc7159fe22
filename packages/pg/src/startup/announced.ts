import { type AnnouncedPooler, differenceFromAnnounced, type Place } from "@doorpolicy/core";

import { entryOf } from "../config/entry.ts";
import type { PgClient } from "../driver/pg-internals.ts";
import type { Guard } from "../guard.ts";
import { laneOfPlace, placeText } from "./replica-lane.ts";

/** The rule that is reported. */
const RULE = "pooler/differs";

/** What PgBouncer calls what it says of itself, in 1.26 and later. */
const ANNOUNCED: Readonly<Record<string, keyof AnnouncedPooler>> = {
  "pgbouncer.version": "version",
  "pgbouncer.pool_mode": "poolMode",
  "pgbouncer.max_prepared_statements": "maxPreparedStatements",
};

/** Where the clients of a guard have logged in: what answers is the same for all connections to one address. */
const judged = new WeakMap<Guard, Set<string>>();

/** A service with an address for each of its customers must not fill the memory. */
const MAX_JUDGED = 100;

/**
 * Holds what the pooler announces in the first login to an address against what the policy says of
 * the lane, and reports a difference once a lane (`pooler/differs`). Later connections are not listened to:
 * a login is a fraction of a millisecond, and has a dozen parameters. Not in bypass.
 *
 * A pooler that says nothing (older than 1.26, or another one) cannot be told from Postgres here.
 */
export function watchAnnounced(client: PgClient, guard: Guard): void {
  if (guard.lane.mode === "bypass") return;
  const known = judged.get(guard) ?? new Set();
  judged.set(guard, known);
  const place = placeOf(client);
  const key = placeText(place);
  if (known.has(key) || known.size >= MAX_JUDGED) return;
  const announced: { -readonly [Key in keyof AnnouncedPooler]: AnnouncedPooler[Key] } = {};
  const { connection } = client;
  const note = (message: unknown): void => {
    if (typeof message !== "object" || message === null) return;
    if (!("parameterName" in message) || !("parameterValue" in message)) return;
    const name = entryOf(ANNOUNCED, String(message.parameterName));
    if (name !== undefined) announced[name] = String(message.parameterValue);
  };
  connection.on("parameterStatus", note);
  connection.once("readyForQuery", () => {
    connection.off("parameterStatus", note);
    if (known.has(key)) return;
    known.add(key);
    if (Object.keys(announced).length > 0) reportDifference(guard, place, announced);
  });
}

/** Host and port of a `pg.Client`, as pg has made them out. */
function placeOf(client: PgClient): Place {
  const host: unknown = Reflect.get(client, "host");
  const port: unknown = Reflect.get(client, "port");
  return { host: String(host), port: String(port) };
}

function reportDifference(guard: Guard, place: Place, announced: AnnouncedPooler): void {
  const { target, has } = guard.lane;
  const lane = laneOfPlace(guard, place);
  const difference = differenceFromAnnounced(announced, { target, lane, has });
  if (difference === undefined) return;
  guard.reportOnce(`${RULE} ${lane}`, { rule: RULE, action: "reported", ...difference });
}

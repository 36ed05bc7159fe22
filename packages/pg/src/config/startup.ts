import { type LaneInUse, PolicyError } from "@doorpolicy/core";

import { Guard } from "../guard.ts";
import type { PoolConfigDraft } from "./draft.ts";
import { entryOf } from "./entry.ts";
import {
  formatStartupOptions,
  LIMIT_PARAMETERS,
  LIMIT_POLICY_KEYS,
  limitFromPgValue,
  limitFromServerText,
  parseStartupOptions,
  type StartupSetting,
} from "./startup-options.ts";

const LIMITS = "transaction/limits";
const PARAMETERS = "startup/no-unsupported-parameters";
const ABANDONED = "statements/no-abandoned";
const OUTSIDE = "statements outside a block have no such limit";

/**
 * Takes out of a config what the lane's pooler would refuse at startup, or accept and not apply.
 *
 * | mode | a limit (`*_timeout`) | anything else | client-side `query_timeout` |
 * | --- | --- | --- | --- |
 * | enforce | handed on, to be sent with BEGIN | `PolicyError` `startup/refused` | becomes the server's statement limit |
 * | observe | left alone | left alone | left alone |
 * | bypass | dropped: the pooler would refuse the connection, and bypass is there to keep the service up | left alone | left alone |
 *
 * A rule's own run-time level and written exceptions move a cell, as everywhere in the guard. The
 * guarded driver judges the packet once more when it connects; here it happens before anything does.
 * PGOPTIONS can only be taken out there.
 */
export function applyToStartup(draft: PoolConfigDraft, lane: LaneInUse): void {
  if (!lane.has("applies-any-startup-parameter")) {
    for (const name of Object.keys(LIMIT_PARAMETERS)) takeLimit(draft, lane, name);
    takeOptions(draft, lane);
    takeReplication(draft, lane);
  }
  takeQueryTimeout(draft, lane);
}

/** Whether the lane takes a startup parameter and applies it. */
export function acceptsStartup(lane: LaneInUse, name: string): boolean {
  return lane.has(`accepts-startup-parameter:${name}`);
}

/** Whether the guard acts on a rule at run time: by the mode, the rule's own level and exceptions for this key. */
export function actsOn(lane: LaneInUse, rule: string, path: string): boolean {
  return new Guard(lane).response(rule, path) === "act";
}

function takesLimits(draft: PoolConfigDraft, lane: LaneInUse, path: string): boolean {
  return lane.mode === "bypass" || draft.isActedOn(lane, LIMITS, path);
}

function takeLimit(draft: PoolConfigDraft, lane: LaneInUse, name: string): void {
  const given = draft.read().setting(name);
  if (given === undefined || acceptsStartup(lane, name) || !takesLimits(draft, lane, given.path))
    return;
  const why = handLimit(draft, lane, name, limitFromPgValue(given.value), given.path);
  draft.drop(name, why, { rule: LIMITS });
}

/** Hands a limit on where the mode and the policy let it, and says in words what became of it. */
function handLimit(
  draft: PoolConfigDraft,
  lane: LaneInUse,
  name: string,
  milliseconds: number | undefined,
  path: string,
): string {
  const limit = entryOf(LIMIT_PARAMETERS, name);
  if (limit === undefined || lane.mode === "bypass") {
    return "the pooler refuses it in the startup packet, and in bypass nothing stands in for it.";
  }
  if (milliseconds === undefined) {
    throw refusal(
      `\`${name}\` at \`${path}\` is not a limit.`,
      path,
      "Set it to a number of milliseconds.",
    );
  }
  const key = LIMIT_POLICY_KEYS[limit];
  if (lane.policy.isEnforced(key))
    return `the policy enforces \`${key}\`, and its own limit is sent with BEGIN.`;
  draft.hand(limit, milliseconds);
  return `the pooler refuses it in the startup packet, so ${milliseconds} ms are sent with BEGIN; ${OUTSIDE}.`;
}

function takeOptions(draft: PoolConfigDraft, lane: LaneInUse): void {
  const given = draft.read().setting("options", "PGOPTIONS");
  if (given === undefined) return;
  const settings = parseStartupOptions(String(given.value));
  const takesIt = (setting: StartupSetting): boolean =>
    lane.has("parses-options") && acceptsStartup(lane, setting.name);
  const refused = settings?.find(
    (setting) => !takesIt(setting) && entryOf(LIMIT_PARAMETERS, setting.name) === undefined,
  );
  if (settings === undefined || refused !== undefined) {
    if (!draft.isActedOn(lane, PARAMETERS, given.path)) return;
    throw optionRefusal(given.path, refused);
  }
  const taken = settings.filter((setting) => !takesIt(setting));
  if (taken.length === 0 || given.path.startsWith("env ") || !takesLimits(draft, lane, given.path))
    return;
  const reasons = taken.map(({ name, value }) =>
    handLimit(draft, lane, name, limitFromServerText(value), given.path),
  );
  draft.drop("options", reasons.join(" "), { rule: LIMITS });
  const kept = settings.filter(takesIt);
  if (kept.length > 0) draft.set("options", formatStartupOptions(kept), "the pooler takes these.");
  // Without options of its own the config falls back to PGOPTIONS, which was hidden until now.
  else takeOptions(draft, lane);
}

function takeReplication(draft: PoolConfigDraft, lane: LaneInUse): void {
  const given = draft.read().setting("replication", "PGREPLICATION");
  if (given === undefined || acceptsStartup(lane, "replication")) return;
  if (!draft.isActedOn(lane, PARAMETERS, given.path)) return;
  throw refusal(
    "`replication` goes out in the startup packet, and the pooler refuses the connection.",
    given.path,
    "Use the direct lane for replication.",
  );
}

/**
 * A `query_timeout` ends the waiting and not the statement, and the pooler then drops its server
 * connection (failure P48). Where Postgres reads the startup packet its own limit goes there.
 */
function takeQueryTimeout(draft: PoolConfigDraft, lane: LaneInUse): void {
  const given = draft.read().setting("query_timeout");
  if (given === undefined || !draft.isActedOn(lane, ABANDONED, given.path)) return;
  const milliseconds = limitFromPgValue(given.value);
  const stops = "it stops waiting while the server goes on";
  if (lane.has("applies-any-startup-parameter")) {
    if (milliseconds !== undefined && draft.read().setting("statement_timeout") === undefined) {
      draft.set(
        "statement_timeout",
        milliseconds,
        "the server ends a statement that takes longer.",
      );
    }
    draft.drop("query_timeout", `${stops}; \`statement_timeout\` ends the statement itself.`);
    return;
  }
  if (milliseconds !== undefined && !lane.policy.isEnforced(LIMIT_POLICY_KEYS.statementTimeoutMs)) {
    draft.hand("statementTimeoutMs", milliseconds);
  }
  draft.drop(
    "query_timeout",
    `${stops}; the server ends each statement of a block instead, and ${OUTSIDE}.`,
    { rule: LIMITS },
  );
}

function optionRefusal(path: string, setting: StartupSetting | undefined): PolicyError {
  if (setting === undefined) {
    return refusal(
      "`options` holds more than `-c name=value`, and the pooler refuses the connection.",
      path,
      "Remove it, or use the direct lane.",
    );
  }
  return refusal(
    `\`${setting.name}\` inside \`options\` at \`${path}\` goes out in the startup packet, and the pooler refuses the connection or drops the setting.`,
    path,
    setting.name === "search_path"
      ? "Qualify table names, set it with `ALTER ROLE … SET search_path`, or use the direct lane."
      : `Set it with \`ALTER ROLE … SET ${setting.name}\`, or use the direct lane.`,
  );
}

function refusal(message: string, path: string, hint: string): PolicyError {
  return new PolicyError("startup/refused", message, { path, hint });
}

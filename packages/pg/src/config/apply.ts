import type { LaneInUse } from "@doorpolicy/core";

import type { SettingChange } from "./changes.ts";
import { PoolConfigDraft } from "./draft.ts";
import type { ConfigContext } from "./effective.ts";
import { entryOf } from "./entry.ts";
import { applyOneTruth } from "./one-truth.ts";
import type { ConfigValues, PoolConfigInput } from "./pool-config.ts";
import { applyReuse } from "./reuse.ts";
import { applyToStartup } from "./startup.ts";
import { IGNORED_URL_PARAMETERS } from "./url-settings.ts";

/** A pool config under a policy, and what the policy changed in it. */
export interface AppliedPoolConfig {
  readonly config: ConfigValues;
  readonly changes: readonly SettingChange[];
}

/** Longest delay of a Node timer; a longer one fires at once. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * A new pool config that keeps the policy of a lane; applying it twice is applying it once.
 *
 * - The name is always the policy's; one in the URL would beat it and is taken out of the text.
 * - The connection cap and the acquire limit that a service set stay where they are within the
 *   policy's, unless the policy enforces the key: `max: 0` (which pg reads as 10) and an endless wait do not.
 * - How connections are kept: see {@link applyReuse}. Left alone in bypass.
 * - Startup parameters that the pooler would refuse: see {@link applyToStartup}.
 * - URL parameters with which pg does nothing are taken out, so that nobody believes them.
 * - Settings that contradict each other, and TLS modes that do not say what is done: see {@link applyOneTruth}.
 *
 * Passwords (hidden ones too, and functions), the `ssl` object and every key that is not named here stay
 * as they are. Throws `PolicyError` `options/refused`, `startup/refused` and `url/unsupported`.
 */
export function applyToPoolConfig(
  config: PoolConfigInput,
  lane: LaneInUse,
  context: ConfigContext = {},
): AppliedPoolConfig {
  const draft = new PoolConfigDraft(config, context);
  applyOneTruth(draft, lane);
  applyName(draft, lane);
  applyCap(draft, lane);
  applyAcquireTimeout(draft, lane);
  applyReuse(draft, lane);
  applyToStartup(draft, lane);
  for (const name of draft.read().urlParameters.keys()) {
    if (entryOf(IGNORED_URL_PARAMETERS, name) !== undefined) {
      draft.dropUrlParameter(name, "node-postgres does nothing with it.", { isSecret: true });
    }
  }
  return { config: draft.values, changes: draft.changes };
}

function applyName(draft: PoolConfigDraft, lane: LaneInUse): void {
  const name = lane.policy.name.text;
  const why = "every connection of this process says the policy's name.";
  if (draft.read().urlParameters.get("application_name") !== name) {
    draft.dropUrlParameter("application_name", why);
  }
  draft.set("application_name", name, why);
}

function applyCap(draft: PoolConfigDraft, { policy }: LaneInUse): void {
  const cap = policy.connections.maxPerProcess;
  const given = Number(draft.read().poolOption("max", "poolSize")?.value ?? Number.NaN);
  const isWithin = given >= 1 && given <= cap;
  if (isWithin && (given === cap || !policy.isEnforced("connections.maxPerProcess"))) return;
  // pg-pool reads `poolSize` where `max` is unset; two numbers that differ would only confuse.
  delete draft.values["poolSize"];
  draft.set("max", cap, `the policy gives this process ${cap} connections.`);
}

function applyAcquireTimeout(draft: PoolConfigDraft, { policy }: LaneInUse): void {
  const limit = policy.connections.acquireTimeoutMs;
  const given = Number(draft.read().poolOption("connectionTimeoutMillis")?.value ?? Number.NaN);
  const isFinite = given > 0 && given <= MAX_TIMER_MS;
  if (isFinite && (given === limit || !policy.isEnforced("connections.acquireTimeoutMs"))) return;
  draft.set(
    "connectionTimeoutMillis",
    limit,
    `a caller waits ${limit} ms for a connection and not for ever.`,
  );
}

import type { LaneInUse, ResolvedPolicy } from "@doorpolicy/core";

import { Guard } from "../guard.ts";

/** One setting that the policy set, overrode or dropped. Holds no secret. */
export interface SettingChange {
  /** The user's own key: `extra.statement_timeout`, `url?application_name`. */
  readonly path: string;
  /** What was there; absent where there was nothing, or where it may be a secret. */
  readonly from?: string | number | boolean;
  /** What stands there now; `undefined` where the setting was dropped. */
  readonly to: string | number | boolean | undefined;
  /** What that does to the server or to the service, in plain words. */
  readonly why: string;
  /**
   * - `"set"`: there was nothing; the policy's default stands there now.
   * - `"overridden"`: the service had set it otherwise.
   * - `"dropped"`: the service had set it, and it has no effect any more under that key.
   */
  readonly kind: "set" | "overridden" | "dropped";
  /** The rule that made the setting travel another way, such as `transaction/limits`. */
  readonly rule?: string;
}

/** By policy: each one has its own `onViolation`, which has to hear of what concerns it. */
const saidUnder = new WeakMap<ResolvedPolicy, Set<string>>();

/** Settings of one process are few; a program that makes options in a loop must not fill the memory. */
const MAX_SAID = 200;

/**
 * Says once a policy what of a service's own settings was overridden or dropped: what a rule
 * translated as a violation, everything else as a process warning with the code
 * `DOORPOLICY_SETTING`. Defaults that were merely filled in are not said.
 */
export function sayChanges(
  client: string,
  lane: LaneInUse,
  changes: readonly SettingChange[],
): void {
  const said = saidUnder.get(lane.policy) ?? new Set();
  saidUnder.set(lane.policy, said);
  for (const change of changes) {
    if (change.kind === "set") continue;
    const text = `${client}, target ${lane.target.name}: ${changeText(change)}`;
    if (said.has(text) || said.size >= MAX_SAID) continue;
    said.add(text);
    if (change.rule === undefined) {
      process.emitWarning(text, { type: "DoorpolicyWarning", code: "DOORPOLICY_SETTING" });
    } else {
      const help =
        "Move it to `transaction` in the policy, and set `ALTER ROLE … SET` for statements outside blocks.";
      new Guard(lane).report({ rule: change.rule, action: "translated", message: text, help });
    }
  }
}

/** One change as a sentence. */
export function changeText({ path, from, to, why }: SettingChange): string {
  const before = from === undefined ? "" : ` ${JSON.stringify(from)}`;
  const after = to === undefined ? "is dropped" : `becomes ${JSON.stringify(to)}`;
  return `\`${path}\`${before} ${after}: ${why}`;
}

import {
  contradictionText,
  directIsPooledText,
  type Finding,
  isDirectPooled,
  type LaneInUse,
  PolicyError,
  tlsText,
} from "@doorpolicy/core";

import { contradictionsIn } from "./contradictions.ts";
import type { PoolConfigDraft } from "./draft.ts";
import { type ConfigContext, type EffectiveConfig, PG_PATHS } from "./effective.ts";
import { actsOn } from "./startup.ts";
import { tlsModeOf } from "./tls-mode.ts";

/** A finding about a config, under the rule that it belongs to. */
export interface ConfigFinding extends Finding {
  readonly rule: "settings/no-contradiction" | "settings/explicit-tls";
  /** Whether a connection made like this could be another one than its user thinks. */
  readonly isRefusable: boolean;
}

/**
 * Makes a config say one thing: where the mode acts, settings that contradict each other are refused,
 * and so is a TLS mode that pg does not know. A TLS mode that pg 8 and pg 9 read differently is
 * written out as what pg 8 does. In observe and bypass everything is left alone.
 *
 * Throws `PolicyError` `options/refused`.
 */
export function applyOneTruth(draft: PoolConfigDraft, lane: LaneInUse): void {
  for (const finding of configFindings(draft.read(), lane, draft.context)) {
    if (!actsOn(lane, finding.rule, finding.path)) continue;
    if (finding.isRefusable) throw configRefusal(finding);
    writeTlsOut(draft);
  }
}

/** What a config says twice, or not clearly. Pure. */
export function configFindings(
  effective: EffectiveConfig,
  { target, lane }: LaneInUse,
  context: ConfigContext = {},
): readonly ConfigFinding[] {
  const { environment = {}, paths = PG_PATHS } = context;
  const rule = "settings/no-contradiction";
  const found: ConfigFinding[] = contradictionsIn(effective, context).map(({ value, path }) => ({
    ...contradictionText(value, path),
    rule,
    path,
    isRefusable: true,
  }));
  if (lane === "direct" && isDirectPooled(target)) {
    const path = `targets.${target.name}.direct`;
    found.push({ ...directIsPooledText(target.name), rule, path, isRefusable: true });
  }
  const tls = tlsModeOf(effective, environment, paths);
  if (tls === undefined || tls.standing === "explicit") return found;
  const isRefusable = tls.standing === "unknown";
  return [
    ...found,
    { ...tlsText(tls), rule: "settings/explicit-tls", path: tls.path, isRefusable },
  ];
}

/** Why no connection is made. Holds no value of a setting but a TLS mode's. */
export function configRefusal({ message, help, path }: ConfigFinding): PolicyError {
  return new PolicyError("options/refused", message, { path, hint: help });
}

function writeTlsOut(draft: PoolConfigDraft): void {
  const { environment = {} } = draft.context;
  const tls = tlsModeOf(draft.read(), environment, draft.paths);
  if (tls === undefined) return;
  const why = "that is what it means to pg 8; pg 9 is to verify less.";
  if (tls.path.startsWith("env ")) draft.set("ssl", true, `\`${tls.written}\`: ${why}`);
  else draft.setUrlParameter("sslmode", "verify-full", why);
}

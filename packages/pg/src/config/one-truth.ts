import {
  contradictionText,
  directIsPooledText,
  type Finding,
  type Environment,
  isDirectPooled,
  isPooledPlace,
  type LaneInUse,
  PolicyError,
  tlsText,
} from "@doorpolicy/core";

import { contradictionsIn } from "./contradictions.ts";
import type { PoolConfigDraft } from "./draft.ts";
import type { EffectiveConfig } from "./effective.ts";
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
  const { environment = {} } = draft.context;
  for (const finding of configFindings(draft.read(), lane, environment)) {
    if (!draft.isActedOn(lane, finding.rule, finding.path)) continue;
    if (finding.isRefusable) throw configRefusal(finding);
    if (finding.rule === "settings/explicit-tls") writeTlsOut(draft);
  }
}

/** What a config says twice, or not clearly. Pure. */
export function configFindings(
  effective: EffectiveConfig,
  lane: LaneInUse,
  environment: Environment,
): readonly ConfigFinding[] {
  const rule = "settings/no-contradiction";
  const found: ConfigFinding[] = contradictionsIn(effective, environment).map(
    ({ value, path }) => ({
      ...contradictionText(value, path),
      rule,
      path,
      isRefusable: true,
    }),
  );
  const directIsPooled = directIsPooledIn(effective, lane, environment);
  if (directIsPooled !== undefined) found.push({ ...directIsPooled, rule, isRefusable: true });
  const tls = tlsModeOf(effective, environment);
  if (tls === undefined || tls.standing === "explicit") return found;
  const isRefusable = tls.standing === "unknown";
  return [
    ...found,
    { ...tlsText(tls), rule: "settings/explicit-tls", path: tls.path, isRefusable },
  ];
}

/** Of the place to which this config leads, which need not be the policy's own. */
function directIsPooledIn(
  effective: EffectiveConfig,
  { target, lane }: LaneInUse,
  environment: Environment,
): Finding | undefined {
  if (lane !== "direct") return undefined;
  const { value, path } = effective.address();
  if (!isPooledPlace(target, value, environment)) return undefined;
  const text = directIsPooledText(target.name);
  if (isDirectPooled(target, environment))
    return { ...text, path: `targets.${target.name}.direct` };
  return {
    ...text,
    path,
    help: `Set \`${path}\` to the URL of Postgres itself, around the pooler.`,
  };
}

/** Why no connection is made. Holds no value of a setting but a TLS mode's. */
export function configRefusal({ message, help, path }: ConfigFinding): PolicyError {
  return new PolicyError("options/refused", message, { path, hint: help });
}

function writeTlsOut(draft: PoolConfigDraft): void {
  const { environment = {} } = draft.context;
  const tls = tlsModeOf(draft.read(), environment);
  if (tls === undefined) return;
  const why = "that is what it means to pg 8; pg 9 is to verify less.";
  if (tls.path.startsWith("env ")) draft.set("ssl", true, `\`${tls.written}\`: ${why}`);
  else draft.setUrlParameter("sslmode", "verify-full", why);
}

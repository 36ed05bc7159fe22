import { differenceFromUrl, type PolicyError, recognisePooler } from "@doorpolicy/core";

import { type EffectiveConfig, readConfig } from "../config/effective.ts";
import { type ConfigFinding, configFindings, configRefusal } from "../config/one-truth.ts";
import { HANDED_KEY, type PoolConfigInput } from "../config/index.ts";
import { LIMIT_PARAMETERS } from "../config/startup-options.ts";
import type { Guard } from "../guard.ts";
import { laneOfConfig } from "./replica-lane.ts";

/** What decides the verdict. A pool gives each of its connections the same. */
const KEYS = [
  "connectionString",
  "host",
  "port",
  "database",
  "user",
  "password",
  "ssl",
  "options",
  "replication",
  "query_timeout",
  ...Object.keys(LIMIT_PARAMETERS),
  HANDED_KEY,
];

/** What a config says badly. Whether an exception holds is asked anew: `allowing()` is the caller's own. */
interface Reading {
  readonly given: readonly unknown[];
  readonly findings: readonly ConfigFinding[];
}

const last = new WeakMap<Guard, Reading>();

const NOTHING: readonly ConfigFinding[] = [];

/**
 * Why a connection may not be made with this config, and reports of what else it says badly, each one once:
 *
 * | | enforce | observe | bypass |
 * | --- | --- | --- | --- |
 * | settings that contradict each other, a TLS mode that pg does not know | refused | reported | left alone |
 * | a TLS mode that pg 8 and 9 read differently | reported | reported | left alone |
 * | an address that shows another pooler (`pooler/differs`) | reported | reported | left alone |
 *
 * Asked for each connection. The configs of pools and ORMs have been through `applyToPoolConfig`; of configs that
 * are alike, as those of one pool, only the first is read.
 */
export function judgeConfig(guard: Guard, config: PoolConfigInput): PolicyError | undefined {
  if (guard.lane.mode === "bypass") return undefined;
  let refusal: PolicyError | undefined;
  for (const finding of findingsIn(guard, config)) {
    const response = guard.response(finding.rule, finding.path);
    if (response === "act" && finding.isRefusable) refusal ??= configRefusal(finding);
    else if (response !== "nothing") report(guard, finding, response === "act");
  }
  return refusal;
}

function findingsIn(guard: Guard, config: PoolConfigInput): readonly ConfigFinding[] {
  const given =
    typeof config === "object" ? KEYS.map((key): unknown => Reflect.get(config, key)) : [config];
  const before = last.get(guard);
  if (before !== undefined && isSame(before.given, given)) return before.findings;
  const effective = read(config);
  if (effective !== undefined) reportAddress(guard, config, effective);
  const findings =
    effective === undefined ? NOTHING : configFindings(effective, guard.lane, process.env);
  last.set(guard, { given, findings });
  return findings;
}

/** A URL that only pg can read is left to pg. */
function read(config: PoolConfigInput): EffectiveConfig | undefined {
  try {
    return readConfig(config, { environment: process.env });
  } catch {
    return undefined;
  }
}

function report(guard: Guard, { rule, path, message, help }: ConfigFinding, acts: boolean): void {
  const action = acts ? "reported" : "would-have";
  guard.reportOnce(`${rule} ${path}`, { rule, action, message, help }, path);
}

function reportAddress(guard: Guard, config: PoolConfigInput, effective: EffectiveConfig): void {
  const rule = "pooler/differs";
  const { target, has } = guard.lane;
  const { value: place, path } = effective.address();
  const lane = laneOfConfig(guard, config, place);
  const shown = recognisePooler(place);
  const difference = shown && differenceFromUrl(shown, { target, lane, has });
  if (difference === undefined || guard.response(rule, path) === "nothing") return;
  guard.reportOnce(`${rule} ${lane}`, { rule, action: "reported", ...difference }, path);
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

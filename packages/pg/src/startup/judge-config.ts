import { differenceFromUrl, type PolicyError, recognisePooler } from "@doorpolicy/core";

import { type EffectiveConfig, readConfig } from "../config/effective.ts";
import { type ConfigFinding, configFindings, configRefusal } from "../config/one-truth.ts";
import type { PoolConfigInput } from "../config/index.ts";
import type { Guard } from "../guard.ts";

/** What decides the verdict. A pool gives each of its connections the same. */
const KEYS = ["connectionString", "host", "port", "database", "user", "password", "ssl"] as const;

interface Verdict {
  readonly given: readonly unknown[];
  readonly refusal: PolicyError | undefined;
}

const last = new WeakMap<Guard, Verdict>();

/**
 * Why a connection may not be made with this config, and reports of what else it says badly, each one once:
 *
 * | | enforce | observe | bypass |
 * | --- | --- | --- | --- |
 * | settings that contradict each other, a TLS mode that pg does not know | refused | reported | left alone |
 * | a TLS mode that pg 8 and 9 read differently | reported | reported | left alone |
 * | an address that shows another pooler (`pooler/differs`) | reported | reported | left alone |
 *
 * Configs of pools and ORMs have been through `applyToPoolConfig`; this is for a `Client` of one's own.
 */
export function judgeConfig(guard: Guard, config: PoolConfigInput): PolicyError | undefined {
  if (guard.lane.mode === "bypass") return undefined;
  const given =
    typeof config === "object" ? KEYS.map((key): unknown => Reflect.get(config, key)) : [config];
  const before = last.get(guard);
  if (before !== undefined && isSame(before.given, given)) return before.refusal;
  const effective = read(config);
  const refusal = effective && judge(guard, effective);
  last.set(guard, { given, refusal });
  return refusal;
}

/** A URL that only pg can read is left to pg. */
function read(config: PoolConfigInput): EffectiveConfig | undefined {
  try {
    return readConfig(config, { environment: process.env });
  } catch {
    return undefined;
  }
}

function judge(guard: Guard, effective: EffectiveConfig): PolicyError | undefined {
  reportAddress(guard, effective);
  let refusal: PolicyError | undefined;
  for (const finding of configFindings(effective, guard.lane, { environment: process.env })) {
    const response = guard.response(finding.rule, finding.path);
    if (response === "act" && finding.isRefusable) refusal ??= configRefusal(finding);
    else if (response !== "nothing") report(guard, finding, response === "act");
  }
  return refusal;
}

function report(guard: Guard, { rule, path, message, help }: ConfigFinding, acts: boolean): void {
  guard.reportOnce(`${rule} ${path}`, {
    rule,
    action: acts ? "reported" : "would-have",
    message: guard.withReason(message, rule, path),
    help,
  });
}

function reportAddress(guard: Guard, effective: EffectiveConfig): void {
  const rule = "pooler/differs";
  const { host, port } = effective.address();
  const shown =
    host &&
    recognisePooler({ host: String(host.value), ...(port && { port: String(port.value) }) });
  const difference = shown && differenceFromUrl(shown, guard.lane);
  if (difference === undefined || guard.response(rule, host?.path) === "nothing") return;
  guard.reportOnce(rule, { rule, action: "reported", ...difference });
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

import type { CheckLevel } from "../policy.ts";
import type { Rule } from "../rule.ts";
import { statementRuleIds } from "../statements/registry.ts";
import { acquireTimeout } from "./acquire-timeout.ts";
import { differs } from "./differs.ts";
import { explicitTls } from "./explicit-tls.ts";
import { maxPerProcess } from "./max-per-process.ts";
import { noAbandoned } from "./no-abandoned.ts";
import { noBootDdl } from "./no-boot-ddl.ts";
import { noClientPool } from "./no-client-pool.ts";
import { noContradiction } from "./no-contradiction.ts";
import { noIgnored } from "./no-ignored.ts";
import { noNamed } from "./no-named.ts";
import { noNative } from "./no-native.ts";
import { noUnsupportedParameters } from "./no-unsupported-parameters.ts";
import { required } from "./required.ts";
import { requiredSetting } from "./required-setting.ts";
import { template } from "./template.ts";

/** Every rule of the static check, in the order of reports. */
export const rules: readonly Rule[] = Object.freeze([
  required,
  template,
  noClientPool,
  acquireTimeout,
  maxPerProcess,
  noUnsupportedParameters,
  noNamed,
  noAbandoned,
  noBootDdl,
  noIgnored,
  noNative,
  requiredSetting,
  differs,
  noContradiction,
  explicitTls,
]);

/** What only a running driver sees. They have no `check`, and are known here so that a policy can set them. */
const runtimeRuleIds = [
  "transaction/left-open",
  "transaction/idle",
  "transaction/timeout",
  "transaction/limits",
  "transaction/rolled-back-at-commit",
  "transaction/no-raw-control",
  "transaction/second-target",
  "transaction/after-end",
  "transaction/no-external-calls",
  "transaction/outcome-unknown",
  "statement/outcome-unknown",
  "unit/unawaited-work",
  "unit/stalled",
  "unit/late-work",
  "unit/after-commit-failed",
  "connections/released-busy",
  "connections/held-idle",
  "connections/abandoned",
  "connections/changing-salt",
  "connections/contaminated",
] as const;

/** Ids of all rules, of the static check and of run time. */
export const ruleIds: readonly string[] = Object.freeze([
  ...rules.map((rule) => rule.id),
  ...runtimeRuleIds,
  ...statementRuleIds,
]);

/** Which of the two places of a rule's setting do something: the static check, and run time. */
export interface RulePlaces {
  readonly check: boolean;
  readonly runtime: boolean;
}

/** Where a rule is looked for. All that have no check are run time's. */
export function placesOf(id: string): RulePlaces {
  const rule = rules.find((one) => one.id === id);
  return { check: rule !== undefined, runtime: rule?.atRuntime ?? true };
}

/** What a rule weighs unless a policy says otherwise. */
export function severityOf(id: string): Exclude<CheckLevel, "off"> {
  return rules.find((rule) => rule.id === id)?.severity ?? "error";
}

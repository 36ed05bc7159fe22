import type {
  ConnectionPolicy,
  NamingPolicy,
  Policy,
  RuleSetting,
  TransactionPolicy,
} from "../policy.ts";
import { ruleIds, severityOf } from "../rules/index.ts";

/** The policy that every other one stands on: it has a value for all that must have one. */
export interface BasePolicy extends Policy {
  readonly mode: NonNullable<Policy["mode"]>;
  readonly naming: NamingPolicy & Required<Pick<NamingPolicy, "template">>;
  readonly connections: Required<ConnectionPolicy>;
  readonly transaction: Required<TransactionPolicy>;
  readonly rules: Readonly<Record<string, Exclude<RuleSetting, string>>>;
}

/** Safe to add to a running service: it names, caps and reports, and refuses nothing. */
const recommended: BasePolicy = {
  mode: "observe",
  naming: { template: "{app}:{user}@{host}" },
  connections: {
    reuse: "none",
    maxPerProcess: 10,
    acquireTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
  },
  transaction: {
    idleTimeoutMs: 5_000,
    timeoutMs: 30_000,
    statementTimeoutMs: 0,
    lockTimeoutMs: 0,
  },
  rules: Object.fromEntries(ruleIds.map((id) => [id, { check: severityOf(id) }])),
  allow: [],
  enforced: [],
};

/** What a team aims at: violations are acted upon, and a service's own options override nothing. */
const strict: Policy = {
  mode: "enforce",
  transaction: { statementTimeoutMs: 15_000, lockTimeoutMs: 5_000 },
  rules: Object.fromEntries(ruleIds.map((id) => [id, "error" as const])),
  enforced: ["naming", "connections", "transaction"],
};

/** The presets by name. `recommended` lies under every policy, whatever it extends. */
export const presets: { readonly recommended: BasePolicy; readonly strict: Policy } = Object.freeze(
  {
    recommended,
    strict,
  },
);

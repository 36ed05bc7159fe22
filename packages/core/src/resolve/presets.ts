import type {
  ConnectionPolicy,
  ExternalCallsPolicy,
  NamingPolicy,
  Policy,
  PresetName,
  RuleSetting,
  TransactionPolicy,
  UnitsPolicy,
} from "../policy.ts";
import type { PoolerKind } from "../pooler.ts";
import { ruleIds, rules as checks, severityOf } from "../rules/index.ts";

/** The policy that every other one stands on: it has a value for all that must have one. */
export interface BasePolicy extends Policy {
  readonly mode: NonNullable<Policy["mode"]>;
  readonly naming: NamingPolicy & Required<Pick<NamingPolicy, "template">>;
  readonly connections: Required<ConnectionPolicy>;
  readonly transaction: Required<TransactionPolicy>;
  readonly units: Required<UnitsPolicy>;
  readonly externalCalls: Required<ExternalCallsPolicy>;
  readonly rules: Readonly<Record<string, Exclude<RuleSetting, string>>>;
}

/**
 * A call to another service tells of a design, not of a fault, and behind a service mesh every host is
 * another one: nobody asked for these lines who did not choose `strict`, and no call is ever refused.
 */
const EXTERNAL_CALLS = "transaction/no-external-calls";

/** Safe to add to a running service: it names, caps and reports, and refuses nothing. */
const recommended: BasePolicy = {
  mode: "observe",
  naming: { template: "{app}:{user}@{host}" },
  connections: {
    reuse: "none",
    maxPerProcess: 10,
    acquireTimeoutMs: 5_000,
    lingerMs: 5,
    idleTimeoutMs: 5_000,
    minPerProcess: 0,
    maxLifetimeMs: 60_000,
    pipelineHandshake: false,
    connectRetry: true,
    keepAliveMs: 10_000,
    heldIdleWarnMs: 5_000,
    heldIdleReclaimMs: 60_000,
  },
  transaction: {
    idleTimeoutMs: 5_000,
    timeoutMs: 30_000,
    statementTimeoutMs: 0,
    lockTimeoutMs: 0,
    lazyBegin: false,
  },
  units: { stallMs: 2_000, settleTimeoutMs: 1_000 },
  externalCalls: { ignoreHosts: [] },
  rules: {
    ...Object.fromEntries(ruleIds.map((id) => [id, { check: severityOf(id) }])),
    [EXTERNAL_CALLS]: { check: severityOf(EXTERNAL_CALLS), runtime: "off" },
  },
  allow: [],
  enforced: [],
};

/** What a team aims at: violations are acted upon, and a service's own options override nothing. */
const strict: Policy = {
  mode: "enforce",
  connections: { lingerMs: 0, heldIdleReclaimMs: 15_000 },
  transaction: { statementTimeoutMs: 15_000, lockTimeoutMs: 5_000 },
  rules: {
    ...Object.fromEntries(checks.map(({ id }) => [id, "error" as const])),
    [EXTERNAL_CALLS]: { runtime: "warn" },
  },
  enforced: ["naming", "connections", "transaction", "units"],
};

/** PgBouncer takes a login in a fraction of a millisecond, and its client slots are what is scarce. */
const pgbouncer: Policy = { connections: { reuse: "none", lingerMs: 5 } };

/** A process that is frozen between two requests runs no timer: what it leaves open stays open. */
const serverless: Policy = { connections: { reuse: "none", lingerMs: 0 } };

/** A login crosses a network, a proxy and TLS; a request's next statement should not pay it again. */
function provider(kind: PoolerKind): Policy {
  return { pooler: { kind }, connections: { reuse: "pool", idleTimeoutMs: 5_000 } };
}

/** The presets by name. `recommended` lies under every policy, whatever it extends. */
export const presets: Readonly<Record<PresetName, Policy>> & { readonly recommended: BasePolicy } =
  Object.freeze({
    recommended,
    strict,
    pgbouncer,
    serverless,
    supabase: provider("supavisor"),
    neon: provider("neon"),
    "rds-proxy": provider("rds-proxy"),
  });

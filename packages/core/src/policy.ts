import type { EnvReference } from "./env.ts";
import type { Mode } from "./mode.ts";
import type { ConnectionPolicy } from "./policy/connection-policy.ts";
import type { NamingPolicy } from "./policy/naming-policy.ts";
import type { PoolerPolicy } from "./policy/pooler-policy.ts";
import type {
  ExternalCallsPolicy,
  TransactionPolicy,
  UnitsPolicy,
} from "./policy/transaction-policy.ts";
import type { Violation } from "./violation.ts";

export type { ConnectionPolicy } from "./policy/connection-policy.ts";
export type { NamingPolicy } from "./policy/naming-policy.ts";
export type { PoolerLimits, PoolerPolicy, PoolerSettings } from "./policy/pooler-policy.ts";
export type {
  ExternalCallsPolicy,
  TransactionPolicy,
  UnitsPolicy,
} from "./policy/transaction-policy.ts";

/** A connection URL, or the name of the environment variable that holds it (see {@link env}). */
export type UrlSource = string | EnvReference;

/**
 * A preset by name.
 *
 * - `"recommended"`: safe to add to a running service; it lies under every policy.
 * - `"strict"`: violations are acted upon, and a service's own options override nothing.
 *
 * The others say only how connections are kept, and go beside one of these two:
 *
 * - `"pgbouncer"`: `reuse: "none"`, closed 5 ms after nobody waits. Connecting to PgBouncer is cheap.
 * - `"serverless"`: `reuse: "none"`, closed at once: a frozen process runs no timer that would do it later.
 * - `"supabase"`, `"neon"`, `"rds-proxy"`: `reuse: "pool"` for 5 s, since connecting there is dear, and
 *   the provider's pooler.
 */
export type PresetName =
  | "recommended"
  | "strict"
  | "pgbouncer"
  | "serverless"
  | "supabase"
  | "neon"
  | "rds-proxy";

/** A preset by name, or the policy of a team package, imported and passed as an object. */
export type PolicyBase = PresetName | Policy;

/** What a team wants of every connection, in no ORM's words. Written by people; see `ResolvedPolicy`. */
export interface Policy {
  /**
   * What this policy starts from. Later entries win over earlier ones, this policy over all, key by
   * key; `allow` and `enforced` add up instead, so that one more entry loosens nothing. `recommended`
   * lies under everything. A team package is imported and passed as an object, not named.
   *
   * @default "recommended"
   */
  readonly extends?: PolicyBase | readonly PolicyBase[];
  /**
   * The databases of the application, by the application's own name for them.
   *
   * @default one target `main` behind a PgBouncer of unknown version in transaction mode, without URLs
   */
  readonly targets?: Readonly<Record<string, TargetPolicy>>;
  /**
   * What happens about a violation, where a target does not say otherwise.
   * `DOORPOLICY_MODE` in the environment overrides it, and says so.
   *
   * @default "observe" ("enforce" in `strict`)
   */
  readonly mode?: Mode;
  /**
   * What stands between the application and Postgres, where a target does not say otherwise.
   *
   * @default none ("supavisor", "neon" and "rds-proxy" in the presets of these providers)
   */
  readonly pooler?: PoolerPolicy;
  readonly naming?: NamingPolicy;
  readonly connections?: ConnectionPolicy;
  readonly transaction?: TransactionPolicy;
  readonly units?: UnitsPolicy;
  readonly externalCalls?: ExternalCallsPolicy;
  /**
   * What single rules do. A bare string sets `check` alone, and `runtime` follows the mode: for what a rule
   * does at run time write `{ runtime: "off" }`, `"warn"` or `"refuse"`. A place that the rule does not have is
   * refused: most rules about statements and transactions have no check, and rules about names no run time.
   * `DOORPOLICY_RULES=rule=warn,…` overrides it, and says so.
   */
  readonly rules?: Readonly<Record<string, RuleSetting>>;
  /** Written exceptions; each one appears in reports, with the action `allowed` and its reason. */
  readonly allow?: readonly Exception[];
  /**
   * Keys of this policy (`"connections.maxPerProcess"`, or `"connections"` for all below it) that a
   * service's own options may not override. Everything else is a default.
   *
   * @default [] (`strict`: all)
   */
  readonly enforced?: readonly string[];
  /**
   * Called with each violation. Without it, a violation is a `process.emitWarning`. It may not
   * throw: what it throws is itself reported as a warning and goes no further.
   */
  readonly onViolation?: (violation: Violation) => void;
}

/** One database as the application knows it. */
export interface TargetPolicy {
  /**
   * What stands between the application and Postgres on the pooled lane. Replicas count as reached
   * through it too; the direct lane does not.
   *
   * @default the policy's `pooler`; else what the pooled URL shows, where it is the documented address
   * of a provider (Supabase, Neon, AWS, DigitalOcean, Crunchy Bridge, Azure), and this is said once; else a
   * PgBouncer of unknown version in transaction mode, which can do least
   */
  readonly pooler?: PoolerPolicy;
  /** URL of the pooled lane. */
  readonly pooled?: UrlSource;
  /** URL of Postgres itself: migrations, LISTEN, session locks and long reports. */
  readonly direct?: UrlSource;
  /** URLs of read replicas. */
  readonly replicas?: readonly UrlSource[];
  /**
   * Settings without which no statement that may touch a table goes out: `["app.tenant"]`. They come
   * from `setLocal` of the unit or transaction that the statement is in, and may not be empty there.
   * Rule `unit/required-setting`. What a policy that is extended requires stays required.
   *
   * Left alone is the direct lane, where migrations and locks are everybody's, and what names no
   * table: `SHOW`, `SELECT version()`, transaction control. Row-level policies are the server's part:
   * a setting that no policy reads protects nothing.
   *
   * @default []
   */
  readonly requireSetting?: readonly string[];
  /** @default the policy's `mode` */
  readonly mode?: Mode;
}

export type CheckLevel = "off" | "warn" | "error";
export type RuntimeLevel = "off" | "warn" | "refuse";

/** What one rule does in the static check and at run time. */
export type RuleSetting =
  | CheckLevel
  | { readonly check?: CheckLevel; readonly runtime?: RuntimeLevel };

/** A written exception to a rule. */
export interface Exception {
  /** The rule's id. */
  readonly rule: string;
  /** Where it holds: an option path or a part of the statement's text; absent means everywhere. */
  readonly match?: string;
  /** Why; shown in every report. */
  readonly reason: string;
  /** Last day on which it holds, as `YYYY-MM-DD`; afterwards it is reported and has no effect. */
  readonly until?: string;
}

import type { Capability } from "./capability.ts";
import type { ConnectionName } from "./naming/name.ts";
import type {
  Exception,
  CheckLevel,
  PoolerLimits,
  PoolerSettings,
  RuntimeLevel,
} from "./policy.ts";
import type { Lane, Mode } from "./mode.ts";
import type { PoolerKind, PoolMode } from "./pooler.ts";
import type { SecretUrl } from "./secret-url.ts";
import type { Violation } from "./violation.ts";

/** A policy that is complete, checked and frozen. Made by `resolvePolicy`. */
export interface ResolvedPolicy {
  readonly kind: "resolved-policy";
  readonly targets: Readonly<Record<string, ResolvedTarget>>;
  /** The one name of every connection of this process. */
  readonly name: ConnectionName;
  readonly connections: ResolvedConnections;
  readonly transaction: ResolvedTransaction;
  readonly units: ResolvedUnits;
  readonly externalCalls: ResolvedExternalCalls;
  readonly rules: Readonly<Record<string, ResolvedRuleSetting>>;
  readonly allow: readonly Exception[];
  /** True when a service's own options may not override this key. */
  isEnforced(key: string): boolean;
  /** What the environment or an expired exception changed, and what has no effect; said once by whoever uses the policy. */
  readonly notices: readonly string[];
  readonly onViolation: ((violation: Violation) => void) | undefined;
}

export interface ResolvedTarget {
  readonly name: string;
  readonly mode: Mode;
  readonly pooler: ResolvedPooler;
  /** What the pooled lane can do. */
  readonly capabilities: ReadonlySet<Capability>;
  readonly lanes: Readonly<Record<"pooled" | "direct", LaneUrl>> & {
    readonly replicas: readonly LaneUrl[];
  };
  /** In lower case, as Postgres compares them. */
  readonly requireSetting: readonly string[];
}

/** A lane's URL, or the reason why there is none. Printing it shows no secret. */
export type LaneUrl =
  | { readonly url: SecretUrl; readonly from: string }
  | { readonly url: undefined; readonly missing: string };

export interface ResolvedPooler {
  /**
   * Who says what it is: the policy, the pooled URL's documented address (`recognisePooler`), or nobody,
   * so that the least capable is assumed.
   */
  readonly declaredBy: "policy" | "url" | "nobody";
  readonly kind: PoolerKind;
  readonly version: string | undefined;
  readonly mode: PoolMode;
  readonly limits: PoolerLimits;
  readonly settings: PoolerSettings;
}

export interface ResolvedConnections {
  /** As the policy says; what holds on a lane is `LaneInUse.reuse`. */
  readonly reuse: "none" | "pool";
  readonly maxPerProcess: number;
  readonly acquireTimeoutMs: number;
  readonly lingerMs: number;
  readonly idleTimeoutMs: number;
  readonly minPerProcess: number;
  readonly maxLifetimeMs: number;
  readonly pipelineHandshake: boolean;
  readonly connectRetry: boolean;
  readonly keepAliveMs: number;
  readonly heldIdleWarnMs: number;
  readonly heldIdleReclaimMs: number;
}

export interface ResolvedTransaction {
  readonly idleTimeoutMs: number;
  readonly timeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly lazyBegin: boolean;
  /** What the server is told as `idle_in_transaction_session_timeout`: 20 % and at least 1 s above the guard's own limit. */
  readonly serverIdleTimeoutMs: number;
  /** How long an ORM may wait for a connection before its own limit ends the wait: above `acquireTimeoutMs`. */
  readonly maxWaitMs: number;
}

export interface ResolvedUnits {
  readonly stallMs: number;
  readonly settleTimeoutMs: number;
}

export interface ResolvedExternalCalls {
  /** In lower case. */
  readonly ignoreHosts: readonly string[];
}

export interface ResolvedRuleSetting {
  readonly check: CheckLevel;
  readonly runtime: RuntimeLevel | "by-mode";
}

/** Which lane of which target a client uses. */
export interface LaneChoice {
  /** @default the only target of the policy, else `main` */
  readonly target?: string;
  /** @default "pooled" */
  readonly lane?: Lane;
}

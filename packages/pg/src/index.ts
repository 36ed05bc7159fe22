export type { ExplainedError } from "./carried-explanation.ts";
export { type AdvisoryKey, advisoryLockKey } from "./direct/advisory-key.ts";
export type { LockContext, LockFunction, WithAdvisoryLock } from "./direct/advisory-lock.ts";
export {
  directFunctions,
  type DirectFunctions,
  listen,
  withAdvisoryLock,
} from "./direct/direct.ts";
export type { DirectChoice, DirectSource } from "./direct/direct-lane.ts";
export type { Listen } from "./direct/listen.ts";
export type { Listener } from "./direct/listener.ts";
export type { ListenGap, ListenOptions, Notification } from "./direct/listen-options.ts";
export type { AdvisoryLockOptions } from "./direct/lock-options.ts";
export { reportExternal } from "./external-calls.ts";
export {
  guardPg,
  type GuardedPg,
  type GuardPgOptions,
  isGuardedPg,
  type PgModule,
} from "./guard-pg.ts";
export { resolveForProcess } from "./process-context.ts";
export type { PoolCounters } from "./pool/pool-counters.ts";
export { type EndablePool, poolCounters, type PoolReport, poolsOf } from "./registry.ts";
export { VIOLATION_CHANNEL } from "./report.ts";
export { type Allowance, allowing, currentAllowance } from "./statements/allowing.ts";
export { type OpaqueStatement, opaqueStatements } from "./statements/opaque.ts";
export { currentUnit } from "./units/context.ts";
export { drain, type DrainOutcome } from "./units/drain.ts";
export type {
  Propagation,
  RetryOptions,
  TransactionOptions,
  UnitOptions,
} from "./units/options.ts";
export type { SettingsInput } from "./units/settings.ts";
export type { Unit } from "./units/unit.ts";
export {
  afterCommit,
  detached,
  transaction,
  type UnitFunction,
  unitOfWork,
} from "./units/unit-of-work.ts";
export {
  acceptsStartup,
  actsOn,
  type AppliedPoolConfig,
  applyToPoolConfig,
  changeText,
  type ConfigContext,
  type ConfigPaths,
  copyPoolConfig,
  type DescribeContext,
  describePoolConfig,
  findPeer,
  HANDED_KEY,
  handedLimits,
  type HandedLimits,
  hasConnection,
  laneConnection,
  type LaneConnection,
  loadPeer,
  peerAnchors,
  PG_PATHS,
  type PoolConfigInput,
  sayChanges,
  type SettingChange,
  withoutSecrets,
} from "./config/index.ts";

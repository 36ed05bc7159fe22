export {
  type AdvisoryKey,
  advisoryLockKey,
  type AdvisoryLockOptions,
  afterCommit,
  allowing,
  detached,
  type DirectChoice,
  type DirectSource,
  drain,
  type DrainOutcome,
  type OpaqueStatement,
  opaqueStatements,
  type Listen,
  type Listener,
  type ListenGap,
  type ListenOptions,
  type LockContext,
  type LockFunction,
  type Notification,
  poolCounters,
  type PoolCounters,
  type PoolReport,
  type Propagation,
  reportExternal,
  type RetryOptions,
  type SettingsInput,
  transaction,
  type TransactionOptions,
  type UnitFunction,
  unitOfWork,
  type UnitOptions,
  type WithAdvisoryLock,
} from "@doorpolicy/pg";
export { describe } from "./describe.ts";
export { listen, withAdvisoryLock } from "./direct.ts";
export { endPools } from "./end-pools.ts";
export type { DataSourceLikeOptions } from "./options.ts";
export { changes, withPolicy } from "./with-policy.ts";

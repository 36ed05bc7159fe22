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
export { type DatasourceUrl, datasourceUrl, describeDatasourceUrl } from "./datasource-url.ts";
export { describe } from "./describe.ts";
export { listen, withAdvisoryLock } from "./direct.ts";
export { describeEngineUrl } from "./engine-facts.ts";
export type {
  ColumnType,
  IsolationLevel,
  SqlDriverAdapter,
  SqlDriverAdapterFactory,
  SqlQuery,
  SqlQueryable,
  SqlResultSet,
  SqlTransaction,
} from "./driver-adapter.ts";
export type { AdapterOptions, PrismaPolicyOptions } from "./options.ts";
export type { PrismaPgConstructor } from "./prisma-pg.ts";
export type { TransactionLimits } from "./transaction-options.ts";
export { units, type UnitsExtension } from "./units.ts";
export { changes, type GuardedPrismaOptions, withPolicy } from "./with-policy.ts";

export {
  afterCommit,
  detached,
  drain,
  type DrainOutcome,
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
} from "@doorpolicy/pg";
export { describe } from "./describe.ts";
export { endPools } from "./end-pools.ts";
export type { DataSourceLikeOptions } from "./options.ts";
export { changes, withPolicy } from "./with-policy.ts";

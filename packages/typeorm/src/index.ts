export { describe } from "./describe.ts";
export { endPools } from "./end-pools.ts";
export type { DataSourceLikeOptions } from "./options.ts";
export { changes, withPolicy } from "./with-policy.ts";

export { guardPg, type GuardedPg, isGuardedPg, type PgModule } from "./guard-pg.ts";
export { resolveForProcess } from "./process-context.ts";
export { type EndablePool, poolsOf } from "./registry.ts";
export { VIOLATION_CHANNEL } from "./report.ts";
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

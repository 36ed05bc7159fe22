export { type AppliedPoolConfig, applyToPoolConfig } from "./apply.ts";
export { changeText, sayChanges, type SettingChange } from "./changes.ts";
export { describePoolConfig, type DescribeContext, withoutSecrets } from "./describe.ts";
export { type ConfigContext, type ConfigPaths, PG_PATHS } from "./effective.ts";
export { laneConnection, type LaneConnection } from "./lane-url.ts";
export { findPeer, loadPeer, peerAnchors } from "./load-peer.ts";
export {
  copyPoolConfig,
  HANDED_KEY,
  type HandedLimits,
  handedLimits,
  hasConnection,
  type PoolConfigInput,
} from "./pool-config.ts";
export { acceptsStartup, actsOn } from "./startup.ts";

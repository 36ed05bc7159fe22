export { isTestbedError, TestbedError, type TestbedErrorCode } from "./errors.ts";
export type { LogMark, ServerName, TestbedLogs } from "./logs.ts";
export type {
  AuthMethod,
  PoolerKind,
  PoolerOptions,
  PoolMode,
  PostgresMajor,
  PostgresOptions,
  ProgressEvent,
  ProgressStep,
  ProvisionOptions,
  TestbedOptions,
} from "./options.ts";
export type { ProxyConnection } from "./proxy/connection.ts";
export type { MessageFacts, ProxyMessage } from "./proxy/facts.ts";
export type {
  ClientMessageName,
  ProxyDirection,
  ProxyMessageName,
  ServerMessageName,
} from "./proxy/messages.ts";
export { startFaultProxy, type FaultProxy, type FaultProxyOptions } from "./proxy/proxy.ts";
export type {
  CutKind,
  FaultAction,
  FaultCondition,
  FaultOrigin,
  FaultRule,
} from "./proxy/rules.ts";
export type { ProxyTarget } from "./proxy/target.ts";
export { resolvePooler, type PoolerRequest } from "./provision/pooler.ts";
export { resolvePostgres, type PostgresRequest } from "./provision/postgres.ts";
export type { ResolvedPooler, ResolvedPostgres, Unavailable } from "./provision/resolution.ts";
export {
  startTestbed,
  type Testbed,
  type TestbedPooler,
  type TestbedServer,
  type TestbedVersions,
} from "./testbed.ts";
export type { TestbedUrls } from "./urls.ts";
export type { TextRow } from "./wire/simple-client.ts";

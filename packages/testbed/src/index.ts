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

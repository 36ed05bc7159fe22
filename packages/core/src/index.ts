export { capabilitiesOf, type PoolerTraits } from "./capabilities.ts";
export type { Capability } from "./capability.ts";
export { check } from "./check.ts";
export { refuseAsOptions } from "./client-options.ts";
export { definePolicy } from "./define-policy.ts";
export type { Diagnostic, Finding } from "./diagnostic.ts";
export { docsUrl } from "./docs-url.ts";
export { env, type Environment, type EnvReference } from "./env.ts";
export {
  isPolicyError,
  PolicyError,
  type PolicyErrorCode,
  type PolicyErrorOptions,
} from "./errors.ts";
export { explainError } from "./explain/explain-error.ts";
export type { Explanation, FaultKind, KnownFault } from "./explain/explanation.ts";
export type { Retryable } from "./explain/fault.ts";
export type { Effect, EffectKind, EffectOf, Effects, Operand, SettingScope } from "./sql/effect.ts";
export { cachedEffectsOf, EffectCache, type EffectCacheLimits } from "./sql/effect-cache.ts";
export { effectsOf } from "./sql/effects.ts";
export { scrubStatement } from "./sql/scrub.ts";
export { Lexer } from "./sql/lexer.ts";
export { hidesTexts } from "./sql/reading.ts";
export { type Statement, statementsIn } from "./sql/statements.ts";
export {
  mayControlTransaction,
  type TransactionAct,
  type TransactionControl,
  transactionControlsIn,
} from "./sql/transaction-control.ts";
export type { IsolationLevel, TransactionModes } from "./sql/transaction-modes.ts";
export type { ClientFacts, Coverage, Fact, IgnoredSetting, StartupParameter } from "./facts.ts";
export { laneInUse, type LaneInUse } from "./lane.ts";
export { type CompleteNaming, type ConnectionName, nameConnection } from "./naming/name.ts";
export {
  formatName,
  type NameParts,
  parseName,
  type ParsedName,
  type Placeholder,
} from "./naming/template.ts";
export type {
  CheckLevel,
  ConnectionPolicy,
  Exception,
  ExternalCallsPolicy,
  NamingPolicy,
  Policy,
  PolicyBase,
  PoolerLimits,
  PoolerPolicy,
  PoolerSettings,
  PresetName,
  RuleSetting,
  RuntimeLevel,
  TargetPolicy,
  TransactionPolicy,
  UnitsPolicy,
  UrlSource,
} from "./policy.ts";
export type { Lane, Mode } from "./mode.ts";
export { isPolicy } from "./policy-mark.ts";
export { type PoolerKind, type PoolMode, titleOfPooler } from "./pooler.ts";
export {
  type AnnouncedPooler,
  differenceFromAnnounced,
  differenceFromUrl,
  type LaneClaims,
  type PoolerDifference,
} from "./poolers/difference.ts";
export { recognisePooler, type RecognisedPooler } from "./poolers/recognise.ts";
export type { ProcessContext, ProcessIdentity } from "./process-context.ts";
export { resolvePolicy } from "./resolve/resolve-policy.ts";
export type {
  LaneChoice,
  LaneUrl,
  ResolvedConnections,
  ResolvedExternalCalls,
  ResolvedPolicy,
  ResolvedPooler,
  ResolvedRuleSetting,
  ResolvedTarget,
  ResolvedTransaction,
  ResolvedUnits,
} from "./resolved-policy.ts";
export type { Rule, RuleContext } from "./rule.ts";
export { ruleIds, rules } from "./rules/index.ts";
export { SecretUrl } from "./secret-url.ts";
export {
  type Contradiction,
  contradictionText,
  directIsPooledText,
  type TlsMode,
  tlsText,
} from "./settings.ts";
export { completePlace, isDirectPooled, isPooledPlace, type Place } from "./url/place.ts";
export { readStartupOptions, type StartupOptions } from "./startup-options.ts";
export { type ConnectionUrl, readConnectionUrl } from "./url/connection-url.ts";
export { credentialsOf, type UrlCredentials } from "./url/credentials.ts";
export {
  conflictingParameters,
  type UrlParameter,
  withoutParameters,
  withParameter,
} from "./url/parameters.ts";
export type { FindingLevel, StatementFinding } from "./statements/finding.ts";
export { judgeStatement } from "./statements/judge-statement.ts";
export { longStatementFinding } from "./statements/long-statement.ts";
export type { StatementSituation } from "./statements/situation.ts";
export type { Violation, ViolationAction } from "./violation.ts";

import type { Exception, Policy } from "../policy.ts";
import type { ProcessContext } from "../process-context.ts";
import type {
  ResolvedExternalCalls,
  ResolvedPolicy,
  ResolvedRuleSetting,
  ResolvedTransaction,
} from "../resolved-policy.ts";
import { nameConnection } from "../naming/name.ts";
import { ruleIds } from "../rules/index.ts";
import { checkConnections, connectionNotices } from "./connections.ts";
import { mergePolicy } from "./merge.ts";
import { modeFromEnvironment, rulesFromEnvironment } from "./overrides.ts";
import { poolerNotices } from "./pooler.ts";
import type { BasePolicy } from "./presets.ts";
import { resolveTargets } from "./targets.ts";
import { checkTimeoutChain, withGap } from "./timeout-chain.ts";
import { validatePolicy } from "./validate.ts";

/**
 * Makes a policy complete for one process: everything that it extends, the environment, the name of
 * the connections, what the poolers can do. The result is frozen and holds no secret in the open.
 *
 * A URL that the environment does not give is no error here, only for the client that uses its lane.
 *
 * @throws PolicyError `policy/invalid`, `naming/invalid` or `url/unsupported` as `definePolicy` does,
 * also for `DOORPOLICY_MODE` and `DOORPOLICY_RULES`; `policy/timeout-chain` for limits in the wrong order.
 */
export function resolvePolicy(policy: Policy, context: ProcessContext): ResolvedPolicy {
  validatePolicy(policy);
  const { environment } = context;
  const merged = mergePolicy(policy);
  const override = modeFromEnvironment(environment);
  const targets = resolveTargets(merged, { fallback: merged.mode, override }, environment);
  const connections = Object.freeze({ ...merged.connections });
  const transaction = resolveTransaction(merged);
  checkConnections(connections, targets);
  checkTimeoutChain(connections, transaction, targets);

  const rules = resolveRules(merged, environment);
  const exceptions = sortExceptions(merged.allow ?? [], context.today ?? today());
  return Object.freeze({
    kind: "resolved-policy",
    targets,
    name: nameConnection(merged.naming, context),
    connections,
    transaction,
    units: Object.freeze({ ...merged.units }),
    externalCalls: resolveExternalCalls(merged),
    rules: rules.settings,
    allow: exceptions.valid,
    isEnforced: enforcement(merged.enforced ?? []),
    notices: Object.freeze([
      ...(override === undefined ? [] : modeNotices(merged, override)),
      ...poolerNotices(targets, environment),
      ...connectionNotices(connections, targets),
      ...rules.notices,
      ...exceptions.notices,
    ]),
    onViolation: merged.onViolation,
  });
}

function resolveTransaction({ connections, transaction }: BasePolicy): ResolvedTransaction {
  return Object.freeze({
    ...transaction,
    serverIdleTimeoutMs: withGap(transaction.idleTimeoutMs),
    maxWaitMs: withGap(connections.acquireTimeoutMs),
  });
}

/** Names of hosts know no case; whoever compares them should not have to remember that. */
function resolveExternalCalls({ externalCalls }: BasePolicy): ResolvedExternalCalls {
  const ignoreHosts = externalCalls.ignoreHosts.map((host) => host.toLowerCase());
  return Object.freeze({ ignoreHosts: Object.freeze(ignoreHosts) });
}

function modeNotices(policy: BasePolicy, override: string): readonly string[] {
  return Object.entries(policy.targets ?? { main: {} }).flatMap(([name, target]) => {
    const mode = target.mode ?? policy.mode;
    if (mode === override) return [];
    return [
      `DOORPOLICY_MODE sets the mode of target \`${name}\` to "${override}"; the policy says "${mode}".`,
    ];
  });
}

function resolveRules(
  policy: BasePolicy,
  environment: ProcessContext["environment"],
): { settings: Readonly<Record<string, ResolvedRuleSetting>>; notices: readonly string[] } {
  const overrides = rulesFromEnvironment(environment);
  const notices: string[] = [];
  const settings = ruleIds.map((id) => {
    const given = policy.rules[id];
    const own: ResolvedRuleSetting = {
      check: given?.check ?? "error",
      runtime: given?.runtime ?? "by-mode",
    };
    const override = overrides.get(id);
    const setting = Object.freeze({ ...own, ...override });
    if (
      override !== undefined &&
      (setting.check !== own.check || setting.runtime !== own.runtime)
    ) {
      notices.push(
        `DOORPOLICY_RULES sets ${id} to ${inWords(setting)}; the policy says ${inWords(own)}.`,
      );
    }
    return [id, setting] as const;
  });
  return { settings: Object.freeze(Object.fromEntries(settings)), notices };
}

function inWords({ check, runtime }: ResolvedRuleSetting): string {
  return `check "${check}" and runtime ${runtime === "by-mode" ? "as the mode says" : `"${runtime}"`}`;
}

function sortExceptions(
  allow: readonly Exception[],
  day: string,
): { valid: readonly Exception[]; notices: readonly string[] } {
  // Days as YYYY-MM-DD sort as texts.
  const isOver = ({ until }: Exception): boolean => until !== undefined && until < day;
  return {
    valid: Object.freeze(
      allow.filter((one) => !isOver(one)).map((one) => Object.freeze({ ...one })),
    ),
    notices: allow
      .filter(isOver)
      .map(
        ({ rule, reason, until }) =>
          `The exception to ${rule} ("${reason}") ended on ${until} and has no effect.`,
      ),
  };
}

function enforcement(enforced: readonly string[]): (key: string) => boolean {
  const keys = new Set(enforced);
  return (key) => keys.has(key) || keys.has(key.split(".")[0] ?? key);
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

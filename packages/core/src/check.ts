import type { Diagnostic, Finding } from "./diagnostic.ts";
import type { ClientFacts } from "./facts.ts";
import { laneInUse } from "./lane.ts";
import type { ResolvedPolicy } from "./resolved-policy.ts";
import { rules } from "./rules/index.ts";

const SEVERITIES = ["error", "warn"] as const;

/**
 * Holds a client's facts against a policy, without connecting. Errors come first, then the order of
 * the rules. Findings that a written exception covers are returned too, with its reason in `allowed`.
 *
 * @throws PolicyError `policy/unknown-target` when the facts name a target that the policy does not have.
 */
export function check(facts: ClientFacts, policy: ResolvedPolicy): Diagnostic[] {
  const { client, lane } = facts;
  const { target, has, reuse } = laneInUse(policy, { target: facts.target, lane });
  const found = rules.flatMap((rule): Diagnostic[] => {
    const severity = policy.rules[rule.id]?.check ?? rule.severity;
    if (severity === "off") return [];
    return Array.from(rule.check(facts, { policy, target, has, reuse }), (finding) => {
      const allowed = reasonFor(policy, rule.id, finding);
      return Object.freeze({
        ...finding,
        rule: rule.id,
        severity,
        client,
        target: target.name,
        docs: `docs/rules/${rule.id}.md`,
        ...(allowed === undefined ? {} : { allowed }),
      });
    });
  });
  return SEVERITIES.flatMap((severity) => found.filter((one) => one.severity === severity));
}

function reasonFor(policy: ResolvedPolicy, rule: string, { path }: Finding): string | undefined {
  return policy.allow.find(
    (one) => one.rule === rule && (one.match === undefined || path.includes(one.match)),
  )?.reason;
}

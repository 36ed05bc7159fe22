import { PolicyError } from "../errors.ts";
import { titleOfPooler } from "../pooler.ts";
import type { ResolvedConnections, ResolvedTarget } from "../resolved-policy.ts";

type Targets = Readonly<Record<string, ResolvedTarget>>;

/**
 * Refuses numbers of connections that contradict each other.
 *
 * @throws PolicyError `policy/invalid` naming both keys.
 */
export function checkConnections(connections: ResolvedConnections, targets: Targets): void {
  const { minPerProcess: min, maxPerProcess: max, reuse } = connections;
  const path = "connections.minPerProcess";
  if (min > max) {
    throw new PolicyError(
      "policy/invalid",
      `\`${path}\` is ${min} and \`connections.maxPerProcess\` is ${max}, so that more connections would be kept open than may be opened.`,
      { hint: `Set \`${path}\` to ${max} or less.`, path },
    );
  }
  const isKeptNowhere = Object.values(targets).every(isPooled);
  if (min > 0 && reuse === "none" && isKeptNowhere) {
    throw new PolicyError(
      "policy/invalid",
      `\`${path}\` is ${min} and \`connections.reuse\` is "none", which closes each connection that nobody uses.`,
      { hint: `Set \`connections.reuse\` to "pool", or \`${path}\` to 0.`, path },
    );
  }
}

/** What a policy says of its connections and some of its targets will not do. */
export function connectionNotices(
  { minPerProcess, reuse, pipelineHandshake }: ResolvedConnections,
  targets: Targets,
): readonly string[] {
  return Object.values(targets).flatMap((target) => [
    ...(minPerProcess > 0 && reuse === "none" && isPooled(target)
      ? [
          `\`connections.minPerProcess\` has no effect behind the pooler of target \`${target.name}\`: \`connections.reuse\` is "none".`,
        ]
      : []),
    ...(pipelineHandshake && !target.capabilities.has("accepts-pipelined-handshake")
      ? [
          `\`connections.pipelineHandshake\` has no effect through the pooler of target \`${target.name}\`, and logins take all their round trips: ${titleOfPooler(target.pooler)} is not known to accept it.`,
        ]
      : []),
  ]);
}

function isPooled({ capabilities }: ResolvedTarget): boolean {
  return capabilities.has("pools-connections");
}

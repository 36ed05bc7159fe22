import { capabilitiesOf } from "./capabilities.ts";
import type { Capability } from "./capability.ts";
import { isPolicyError, PolicyError } from "./errors.ts";
import { validateChoice } from "./lane-choice.ts";
import type { Lane, Mode } from "./mode.ts";
import { shownName } from "./resolve/problem.ts";
import type { LaneChoice, LaneUrl, ResolvedPolicy, ResolvedTarget } from "./resolved-policy.ts";
import type { SecretUrl } from "./secret-url.ts";
import { readConnectionUrl } from "./url/connection-url.ts";

/** One lane of one target, as a client uses it. */
export interface LaneInUse {
  readonly policy: ResolvedPolicy;
  readonly target: ResolvedTarget;
  readonly lane: Lane;
  readonly mode: Mode;
  /**
   * What happens on this lane to a connection that nobody is using: as `connections.reuse` says where
   * a pooler pools behind it, else `"pool"`, since each connection costs Postgres a fork.
   */
  readonly reuse: "none" | "pool";
  /** The direct lane has what Postgres itself has; replicas count as reached through the target's pooler. */
  readonly has: (capability: Capability) => boolean;
  /**
   * The lane's URL; of replicas the first.
   *
   * @throws PolicyError `policy/missing-url` naming target, lane and environment variable;
   * `url/unsupported` when the environment holds something else than a connection URL.
   */
  url(): SecretUrl;
  /** All URLs of the lane: several for replicas, else one. Throws as `url` does. */
  urls(): readonly SecretUrl[];
}

const POSTGRES = capabilitiesOf({ kind: "none" });

/**
 * Finds the lane that a client uses. Without a choice: the pooled lane of the policy's only target,
 * or of the one named `main`.
 *
 * @throws PolicyError `policy/unknown-target` naming the targets that there are; `policy/invalid` for
 * a choice with another key, another lane or no keys at all.
 */
export function laneInUse(policy: ResolvedPolicy, choice: LaneChoice = {}): LaneInUse {
  validateChoice(choice);
  const target = targetOf(policy, choice.target);
  const lane = choice.lane ?? "pooled";
  const capabilities = lane === "direct" ? POSTGRES : target.capabilities;
  const urls = (): readonly SecretUrl[] => urlsOf(target, lane);
  return Object.freeze({
    policy,
    target,
    lane,
    mode: target.mode,
    reuse: capabilities.has("pools-connections") ? policy.connections.reuse : "pool",
    has: (capability: Capability) => capabilities.has(capability),
    url: () => urls()[0] ?? fail(missing(target, lane, "no URL is set")),
    urls,
  });
}

function targetOf(policy: ResolvedPolicy, chosen: string | undefined): ResolvedTarget {
  const names = Object.keys(policy.targets);
  const name = chosen ?? (names.length === 1 ? (names[0] ?? "main") : "main");
  const target = Object.hasOwn(policy.targets, name) ? policy.targets[name] : undefined;
  if (target !== undefined) return target;
  throw new PolicyError(
    "policy/unknown-target",
    chosen === undefined
      ? `The policy has the targets ${quoted(names)} and none named \`main\`, so that a client has to choose.`
      : `The policy has no target \`${shownName(name)}\`; it has ${quoted(names)}.`,
    { hint: "Pass `{ target }` with one of these names.", path: "targets" },
  );
}

function urlsOf(target: ResolvedTarget, lane: Lane): readonly SecretUrl[] {
  const { pooled, direct, replicas } = target.lanes;
  if (lane !== "replica") return [usable(target, lane, lane === "pooled" ? pooled : direct)];
  if (replicas.length === 0) {
    throw missing(target, lane, `\`targets.${target.name}.replicas\` is not set`);
  }
  return replicas.map((replica) => usable(target, lane, replica));
}

/** URLs of the policy are read when it is defined, those of the environment only here, by who needs them. */
function usable(target: ResolvedTarget, lane: Lane, found: LaneUrl): SecretUrl {
  if (found.url === undefined) throw missing(target, lane, found.missing);
  try {
    readConnectionUrl(found.url.reveal());
  } catch (error) {
    if (!isPolicyError(error)) throw error;
    throw new PolicyError(
      error.code,
      `The ${lane} lane of target \`${target.name}\` cannot be used (${found.from}). ${error.message.slice(0, -error.hint.length).trim()}`,
      { hint: error.hint, path: found.from },
    );
  }
  return found.url;
}

function missing(target: ResolvedTarget, lane: Lane, reason: string): PolicyError {
  const key = lane === "replica" ? "replicas" : lane;
  return new PolicyError(
    "policy/missing-url",
    `The ${lane} lane of target \`${target.name}\` has no URL: ${reason}.`,
    {
      hint: `Set it, or pass a URL in the client's own options.`,
      path: `targets.${target.name}.${key}`,
    },
  );
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

function fail(error: PolicyError): never {
  throw error;
}

import { capabilitiesOf } from "../capabilities.ts";
import type { Environment } from "../env.ts";
import type { Policy, TargetPolicy, UrlSource } from "../policy.ts";
import type { Mode } from "../mode.ts";
import type { LaneUrl, ResolvedTarget } from "../resolved-policy.ts";
import { SecretUrl } from "../secret-url.ts";
import { resolvePooler } from "./pooler.ts";

/** What a policy without `targets` has: a PgBouncer that can do as little as any, and no URL. */
const DEFAULT_TARGETS: Readonly<Record<string, TargetPolicy>> = { main: {} };

/** Makes every target complete; a URL that is not there is a reason, not an error. */
export function resolveTargets(
  policy: Policy,
  modes: { readonly fallback: Mode; readonly override: Mode | undefined },
  environment: Environment,
): Readonly<Record<string, ResolvedTarget>> {
  const targets = Object.entries(policy.targets ?? DEFAULT_TARGETS).map(([name, target]) => {
    const url = (key: string, source: UrlSource | undefined): LaneUrl =>
      laneUrl(`targets.${name}.${key}`, source, environment);
    const pooled = url("pooled", target.pooled);
    const pooler = resolvePooler(target.pooler, policy.pooler, pooled, environment);
    const resolved: ResolvedTarget = Object.freeze({
      name,
      mode: modes.override ?? target.mode ?? modes.fallback,
      pooler,
      capabilities: capabilitiesOf(pooler),
      lanes: Object.freeze({
        pooled,
        direct: url("direct", target.direct),
        replicas: Object.freeze(
          (target.replicas ?? []).map((source, index) => url(`replicas.${index}`, source)),
        ),
      }),
      requireSetting: Object.freeze([
        ...new Set((target.requireSetting ?? []).map((setting) => setting.toLowerCase())),
      ]),
    });
    return [name, resolved] as const;
  });
  return Object.freeze(Object.fromEntries(targets));
}

function laneUrl(key: string, source: UrlSource | undefined, environment: Environment): LaneUrl {
  if (source === undefined) {
    return Object.freeze({ url: undefined, missing: `\`${key}\` is not set` });
  }
  if (typeof source === "string") return Object.freeze({ url: new SecretUrl(source), from: key });
  const text = environment[source.name];
  if (text === undefined || text.trim() === "") {
    const state = text === undefined ? "not set" : "empty";
    return Object.freeze({
      url: undefined,
      missing: `the environment variable ${source.name} of \`${key}\` is ${state}`,
    });
  }
  return Object.freeze({ url: new SecretUrl(text), from: `env ${source.name}` });
}

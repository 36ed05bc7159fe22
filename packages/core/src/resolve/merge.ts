import type { Policy, PolicyBase, PoolerPolicy, TargetPolicy } from "../policy.ts";
import { presets, type BasePolicy } from "./presets.ts";

/**
 * Lays a policy over all that it extends. Sections are merged key by key, the later one wins;
 * exceptions and enforced keys add up, so that extending a team's policy cannot loosen it by
 * writing down one more. `recommended` lies under everything.
 */
export function mergePolicy(policy: Policy): BasePolicy {
  return layersOf(policy).reduce<BasePolicy>(merge, presets.recommended);
}

function layersOf(policy: Policy): readonly Policy[] {
  const bases: readonly PolicyBase[] = policy.extends === undefined ? [] : [policy.extends].flat();
  return [
    ...bases.flatMap((base) => (typeof base === "string" ? layersOfPreset(base) : layersOf(base))),
    policy,
  ];
}

/** `recommended` lies under everything already; a base that names it must not undo the ones before. */
function layersOfPreset(name: Extract<PolicyBase, string>): readonly Policy[] {
  return name === "recommended" ? [] : [presets[name]];
}

function merge(base: BasePolicy, over: Policy): BasePolicy {
  const targets = mergeTargets(base.targets, over.targets);
  const pooler = mergePooler(base.pooler, over.pooler);
  const onViolation = over.onViolation ?? base.onViolation;
  return {
    mode: over.mode ?? base.mode,
    naming: mergeKeys(base.naming, over.naming),
    connections: mergeKeys(base.connections, over.connections),
    transaction: mergeKeys(base.transaction, over.transaction),
    units: mergeKeys(base.units, over.units),
    externalCalls: mergeKeys(base.externalCalls, over.externalCalls),
    rules: mergeRules(base.rules, over.rules),
    allow: [...(base.allow ?? []), ...(over.allow ?? [])],
    enforced: [...new Set([...(base.enforced ?? []), ...(over.enforced ?? [])])],
    ...(targets === undefined ? {} : { targets }),
    ...(pooler === undefined ? {} : { pooler }),
    ...(onViolation === undefined ? {} : { onViolation }),
  };
}

/** A bare string sets `check` and leaves a former `runtime` as it is. */
function mergeRules(base: BasePolicy["rules"], over: Policy["rules"]): BasePolicy["rules"] {
  const merged = { ...base };
  for (const [id, setting] of Object.entries(over ?? {})) {
    if (setting === undefined) continue;
    const given = typeof setting === "string" ? { check: setting } : setting;
    merged[id] = mergeKeys(merged[id] ?? {}, given);
  }
  return merged;
}

function mergeTargets(base: Policy["targets"], over: Policy["targets"]): Policy["targets"] {
  if (base === undefined || over === undefined) return over ?? base;
  const merged = { ...base };
  for (const [name, target] of Object.entries(over)) {
    if (target !== undefined) merged[name] = mergeTarget(merged[name] ?? {}, target);
  }
  return merged;
}

function mergeTarget(base: TargetPolicy, over: TargetPolicy): TargetPolicy {
  const pooler = mergePooler(base.pooler, over.pooler);
  // As with `enforced`: a service that requires one more does not require another one less.
  const requireSetting = [...(base.requireSetting ?? []), ...(over.requireSetting ?? [])];
  return {
    ...mergeKeys(base, over),
    ...(pooler === undefined ? {} : { pooler }),
    ...(requireSetting.length === 0 ? {} : { requireSetting }),
  };
}

/** The version and the limits of one kind of pooler say nothing about another kind. */
export function mergePooler(
  base: PoolerPolicy | undefined,
  over: PoolerPolicy | undefined,
): PoolerPolicy | undefined {
  if (base === undefined || over === undefined || base.kind !== over.kind) return over ?? base;
  return {
    ...mergeKeys(base, over),
    limits: mergeKeys(base.limits ?? {}, over.limits),
    settings: mergeKeys(base.settings ?? {}, over.settings),
  };
}

/** Like a spread, except that a key that is there with `undefined` changes nothing. */
function mergeKeys<Section extends object>(
  base: Section,
  over: Partial<Section> | undefined,
): Section {
  const given = Object.entries(over ?? {}).filter(([, value]) => value !== undefined);
  return Object.assign({}, base, Object.fromEntries(given));
}

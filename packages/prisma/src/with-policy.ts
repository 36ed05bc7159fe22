import {
  type LaneChoice,
  type LaneInUse,
  laneInUse,
  type Policy,
  PolicyError,
  refuseAsOptions,
  type ResolvedPolicy,
} from "@doorpolicy/core";
import {
  actsOn,
  applyToPoolConfig,
  resolveForProcess,
  sayChanges,
  type SettingChange,
} from "@doorpolicy/pg";

import type { SqlDriverAdapterFactory } from "./driver-adapter.ts";
import { guardedAdapter, planOf } from "./guarded-adapter.ts";
import { isOwnKey, type OwnKey, type PrismaPolicyOptions } from "./options.ts";
import { applicationPrismaPg } from "./prisma-pg.ts";
import { type ConnectionSource, sourceOf } from "./source.ts";
import { type TransactionLimits, transactionLimits } from "./transaction-options.ts";
import { translateUrl } from "./translate.ts";

/** The options that went in, without the keys that are ours, and with what the policy adds. */
export type GuardedPrismaOptions<Options extends PrismaPolicyOptions> = Flat<
  Omit<Options, OwnKey | "adapter" | "transactionOptions"> & {
    adapter: SqlDriverAdapterFactory;
    transactionOptions: Flat<
      Omit<NonNullable<Options["transactionOptions"]>, keyof TransactionLimits> & TransactionLimits
    >;
  }
>;

/** One object type instead of an intersection: PrismaClient infers `log` and `omit` through a mapped type. */
type Flat<Type> = { [Key in keyof Type]: Type[Key] };

/**
 * Options for `new PrismaClient()` (Prisma 7, and 6 from 6.16 with `engineType = "client"`) whose
 * connections keep the policy: named, capped, closed when nobody uses them, and never handed on with
 * an open transaction. Synchronous, and opens nothing: the guarded pool is made when Prisma connects.
 *
 * - Where to connect: `connectionString`, `url`, `connection`, an `adapter` that the service made
 *   itself (its settings and its own `pg` are used), else the URL of the policy's lane.
 * - `adapter` becomes ours. `$disconnect()` ends its pool; `$connect()` starts a fresh one.
 * - `transactionOptions` get the policy's limits.
 * - URL parameters that Prisma 6 honoured and Prisma 7 ignores (`connection_limit`, `pool_timeout`,
 *   `schema` …) are taken up, in every mode; those without a meaning here are dropped. Both are said.
 * - Everything else passes through; nothing is mutated.
 *
 * What of the service's own settings is overridden or dropped is said once as a process warning; see
 * {@link changes}. Throws `PolicyError`: `driver/missing`, `driver/second-copy`, `driver/unsupported`,
 * `options/refused`, `startup/refused`, `url/unsupported`, `policy/missing-url`, `policy/unknown-target`,
 * `policy/invalid`.
 */
export function withPolicy<Options extends PrismaPolicyOptions>(
  options: Options,
  policy: Policy | ResolvedPolicy,
  choice: LaneChoice = {},
): GuardedPrismaOptions<Options> {
  refuseAsOptions(options);
  const resolved = resolveForProcess(policy);
  const lane = laneInUse(resolved, choice);
  const applied = apply(options, lane);
  sayChanges("prisma", lane, applied.changes);
  const adapter =
    ownAdapter(options, lane) ??
    guardedAdapter({
      PrismaPg: applied.source.PrismaPg ?? applicationPrismaPg(),
      config: applied.config,
      adapterOptions: applied.adapterOptions,
      policy: resolved,
      choice,
    });
  const result = {
    ...Object.fromEntries(Object.entries(options).filter(([key]) => !isOwnKey(key))),
    adapter,
    transactionOptions: { ...options.transactionOptions, ...applied.limits },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type says of each key what the three lines above do to it.
  return result as unknown as GuardedPrismaOptions<Options>;
}

/**
 * What {@link withPolicy} sets, overrides and drops, each under the user's own key. Holds no secret;
 * loads no driver.
 */
export function changes(
  options: PrismaPolicyOptions,
  policy: Policy | ResolvedPolicy,
  choice: LaneChoice = {},
): readonly SettingChange[] {
  refuseAsOptions(options);
  return apply(options, laneInUse(resolveForProcess(policy), choice)).changes;
}

interface AppliedOptions {
  readonly source: ConnectionSource;
  readonly config: object;
  readonly adapterOptions: object;
  readonly limits: TransactionLimits;
  readonly changes: readonly SettingChange[];
}

function apply(options: PrismaPolicyOptions, lane: LaneInUse): AppliedOptions {
  const source = sourceOf(options, lane, process.env);
  refuseAdapterOptions(source, lane);
  const translated = translateUrl(source, source.paths);
  const { changes: limitChanges, ...limits } = transactionLimits(options, lane);
  const applied = applyToPoolConfig(translated.config, lane, {
    paths: source.paths,
    environment: process.env,
  });
  return {
    source,
    config: applied.config,
    adapterOptions: translated.adapterOptions,
    limits,
    changes: [...source.changes, ...translated.changes, ...applied.changes, ...limitChanges],
  };
}

/** An adapter that this policy has made already for this lane stays the same one. */
function ownAdapter(
  { adapter }: PrismaPolicyOptions,
  lane: LaneInUse,
): SqlDriverAdapterFactory | undefined {
  const plan = adapter ? planOf(adapter) : undefined;
  if (plan === undefined || plan.policy !== lane.policy) return undefined;
  const { target, lane: name } = laneInUse(plan.policy, plan.choice);
  return target.name === lane.target.name && name === lane.lane ? plan.adapter : undefined;
}

function refuseAdapterOptions(
  { adapterOptions, optionsPath }: ConnectionSource,
  lane: LaneInUse,
): void {
  if (adapterOptions["disposeExternalPool"] === true) {
    throw new PolicyError(
      "options/refused",
      "After `$disconnect()` the adapter would go on with a pool of its own, without the policy.",
      {
        path: `${optionsPath}.disposeExternalPool`,
        hint: "Remove it; the guarded pool ends with `$disconnect()` by itself.",
      },
    );
  }
  const path = `${optionsPath}.statementNameGenerator`;
  if (adapterOptions["statementNameGenerator"] === undefined || lane.has("tracks-named-statements"))
    return;
  if (!actsOn(lane, "statements/no-named", path)) return;
  throw new PolicyError(
    "options/refused",
    "Named statements meet statements of the same name that other clients left on the server connection (42P05, 26000).",
    {
      path,
      hint: "Remove it, or declare a pooler that tracks named statements.",
    },
  );
}

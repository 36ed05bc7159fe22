import {
  type ClientFacts,
  type Environment,
  type LaneChoice,
  laneInUse,
  type Policy,
  refuseAsOptions,
  type ResolvedPolicy,
} from "@doorpolicy/core";
import { describePoolConfig, resolveForProcess } from "@doorpolicy/pg";

import { planOf } from "./guarded-adapter.ts";
import type { PrismaPolicyOptions } from "./options.ts";
import { sourceOf } from "./source.ts";

/** Words for URL parameters that stand under another name in Prisma 7. */
const INSTEAD: Readonly<Record<string, string>> = {
  schema: "Set the adapter's `schema`.",
};

const REMEDY = "Wrap the options in `withPolicy(options, policy)`";

/**
 * What these options will make Prisma 7 and pg do to the server, as they are: what `withPolicy`
 * returned, a service's own `{ adapter: new PrismaPg(…) }`, or `{ connectionString }` as it would be
 * given to `new PrismaPg()`. Connects nowhere and changes nothing.
 *
 * The environment counts (PGAPPNAME, PGOPTIONS); a static check passes an empty one. Throws
 * `PolicyError` `options/refused`, `driver/unsupported` for another adapter, and `url/unsupported`.
 */
export function describe(
  options: PrismaPolicyOptions,
  policy?: Policy | ResolvedPolicy,
  choice: LaneChoice = {},
  environment: Environment = process.env,
): ClientFacts {
  refuseAsOptions(options);
  const lane = policy && laneInUse(resolveForProcess(policy), choice);
  const { config, adapterOptions, paths, optionsPath } = sourceOf(options, lane, environment);
  const facts = describePoolConfig(config, {
    client: "prisma",
    target: lane?.target.name ?? choice.target ?? "main",
    lane: lane?.lane ?? choice.lane ?? "pooled",
    coverage: options.adapter && planOf(options.adapter) ? "guarded" : "checked",
    environment,
    paths,
    instead: INSTEAD,
    remedy: REMEDY,
  });
  if (adapterOptions["statementNameGenerator"] === undefined) return facts;
  return {
    ...facts,
    namedStatements: { value: true, path: `${optionsPath}.statementNameGenerator` },
  };
}

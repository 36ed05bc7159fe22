import {
  type ClientFacts,
  type Coverage,
  type Environment,
  type Fact,
  type IgnoredSetting,
  type Lane,
  recognisePooler,
  type StartupParameter,
} from "@doorpolicy/core";

import { contradictionsIn } from "./contradictions.ts";
import { type ConfigContext, type EffectiveConfig, readConfig } from "./effective.ts";
import { entryOf } from "./entry.ts";
import type { PoolConfigInput } from "./pool-config.ts";
import {
  formatStartupOptions,
  LIMIT_PARAMETERS,
  limitFromPgValue,
  parseStartupOptions,
} from "./startup-options.ts";
import { tlsModeOf } from "./tls-mode.ts";
import { IGNORED_URL_PARAMETERS, IGNORED_VARIABLES } from "./url-settings.ts";

/** Whom the facts speak of, and where their user's words come from. */
export interface DescribeContext extends ConfigContext {
  /** Whom a message speaks of, such as `"typeorm"`. */
  readonly client: string;
  readonly target: string;
  readonly lane: Lane;
  /**
   * How much of a policy holds for the client.
   *
   * @default "checked": seen by the static check only
   */
  readonly coverage?: Coverage;
  /**
   * Other words for single entries of the table of URL parameters that pg ignores.
   *
   * @default {}
   */
  readonly instead?: Readonly<Record<string, string>>;
  /**
   * What puts the options under a policy where none holds, as a command without its full stop.
   *
   * @default "Take `Pool` and `Client` from `guardPg(pg, policy)`"
   */
  readonly remedy?: string;
}

/** What pg falls back to where nothing is set. */
const DEFAULT_PATH = "default of pg";

const REMEDY = "Take `Pool` and `Client` from `guardPg(pg, policy)`";

/**
 * What pg and pg-pool would really do with a config: the URL beats the options, PGAPPNAME and
 * PGOPTIONS fill what is unset, `max: 0` is 10, `maxUses: 0` and `connectionTimeoutMillis: 0` are
 * without limit. Reads nothing but its arguments; the config is left as it is.
 *
 * A URL that is none of Postgres' is a `PolicyError` `url/unsupported`.
 */
export function describePoolConfig(config: PoolConfigInput, context: DescribeContext): ClientFacts {
  const { client, target, lane, coverage = "checked", environment = {}, instead = {} } = context;
  const { remedy = REMEDY } = context;
  const effective = readConfig(config, context);
  const name =
    effective.setting("application_name", "PGAPPNAME") ??
    effective.setting("fallback_application_name");
  const queryTimeout = effective.setting("query_timeout");
  /** A setting under the user's own key, also where pg's default stands in for it. */
  const keyed = <Value>(option: string, fact: Fact<Value>): Fact<Value> => {
    const key = effective.paths.option(option);
    return fact.path === DEFAULT_PATH
      ? { ...fact, path: `${key} (${DEFAULT_PATH})`, key }
      : { ...fact, key };
  };
  return {
    client,
    coverage,
    ...(coverage === "checked" ? { remedy } : {}),
    target,
    lane,
    ...recognised(effective),
    ...truth(effective, environment),
    applicationName: keyed(
      "application_name",
      name ? { value: String(name.value), path: name.path } : unset(undefined),
    ),
    poolMax: keyed("max", number(effective.poolOption("max", "poolSize"), 10)),
    usesPerConnection: keyed("maxUses", number(effective.poolOption("maxUses"), Infinity)),
    acquireTimeoutMs: keyed(
      "connectionTimeoutMillis",
      number(effective.poolOption("connectionTimeoutMillis"), Infinity),
    ),
    startupParameters: startupParameters(effective),
    namedStatements: unset(false),
    abandonQueryAfterMs: queryTimeout && number(queryTimeout, Infinity),
    bootStatements: [],
    ignoredSettings: ignoredSettings(effective, environment, instead),
    nativeDriver: nativeDriver(environment),
  };
}

/** What the address shows that pg would connect to, under the URL's own name or the option's. */
function recognised(effective: EffectiveConfig): Pick<ClientFacts, "recognised"> {
  const { value: place, path } = effective.address();
  const value = recognisePooler(place);
  return value === undefined ? {} : { recognised: { value, path } };
}

/** What contradicts itself, and the TLS mode. */
function truth(
  effective: EffectiveConfig,
  environment: Environment,
): Pick<ClientFacts, "contradictions" | "tlsMode"> {
  const contradictions = contradictionsIn(effective, environment);
  const tls = tlsModeOf(effective, environment);
  if (tls === undefined) return contradictions.length === 0 ? {} : { contradictions };
  const { path, ...value } = tls;
  return { ...(contradictions.length === 0 ? {} : { contradictions }), tlsMode: { value, path } };
}

/** The startup parameters beside the name that pg would send, in the order in which it sends them. */
function startupParameters(effective: EffectiveConfig): readonly Fact<StartupParameter>[] {
  const found: Fact<StartupParameter>[] = [];
  const add = (name: string, value: string, path: string): void => {
    found.push({ value: { name, value }, path });
  };

  const replication = effective.setting("replication", "PGREPLICATION");
  if (replication) add("replication", String(replication.value), replication.path);
  for (const name of Object.keys(LIMIT_PARAMETERS)) {
    const limit = effective.setting(name);
    if (limit) add(name, String(limitFromPgValue(limit.value) ?? Number.NaN), limit.path);
  }
  const options = effective.setting("options", "PGOPTIONS");
  if (options) add("options", withoutSecrets(String(options.value)), options.path);
  return found;
}

/** Custom settings may hold anything, tokens too; a limit is a number, and rules need no more than names. */
export function withoutSecrets(options: string): string {
  const settings = parseStartupOptions(options);
  if (settings === undefined) return "…";
  return formatStartupOptions(
    settings.map(({ name, value }) => ({
      name,
      value: entryOf(LIMIT_PARAMETERS, name) === undefined ? "…" : value,
    })),
  );
}

function ignoredSettings(
  { urlParameters, paths }: EffectiveConfig,
  environment: Environment,
  instead: Readonly<Record<string, string>>,
): readonly Fact<IgnoredSetting>[] {
  const table = { ...IGNORED_URL_PARAMETERS, ...instead };
  const inUrl = [...urlParameters.keys()].flatMap((name) => {
    const advice = entryOf(table, name);
    return advice === undefined
      ? []
      : [{ value: { name, instead: advice }, path: paths.url(name) }];
  });
  const variables = Object.entries(IGNORED_VARIABLES)
    .filter(([name]) => environment[name])
    .map(([name, advice]) => ({ value: { name, instead: advice }, path: `env ${name}` }));
  return [...inUrl, ...variables];
}

/** pg's own switch: with it, `require("pg")` itself is the native driver. */
function nativeDriver({ NODE_PG_FORCE_NATIVE }: Environment): Fact<boolean> {
  return NODE_PG_FORCE_NATIVE ? { value: true, path: "env NODE_PG_FORCE_NATIVE" } : unset(false);
}

function number(fact: Fact<unknown> | undefined, fallback: number): Fact<number> {
  if (fact === undefined) return unset(fallback);
  const value = Number(fact.value);
  // What is not a number compares as false everywhere in pg-pool, which means no limit at all.
  return { value: Number.isNaN(value) ? Infinity : value, path: fact.path };
}

function unset<Value>(value: Value): Fact<Value> {
  return { value, path: DEFAULT_PATH };
}

import {
  completePlace,
  type ConnectionUrl,
  type Environment,
  type Fact,
  type Place,
  readConnectionUrl,
} from "@doorpolicy/core";

import { entryOf } from "./entry.ts";
import {
  type ConfigValues,
  copyPoolConfig,
  notedPaths,
  type PoolConfigInput,
} from "./pool-config.ts";

/** How the user of an adapter calls the settings that reach node-postgres. */
export interface ConfigPaths {
  /** The user's key for a key of the pool config, such as `extra.statement_timeout` for `statement_timeout`. */
  option(key: string): string;
  /** The user's key for a parameter of the URL, such as `url?statement_timeout`. */
  url(parameter: string): string;
}

/** The words of somebody who writes a pool config by hand. */
export const PG_PATHS: ConfigPaths = {
  option: (key) => key,
  url: (parameter) => `connectionString?${parameter}`,
};

/** What is needed to know what pg will do with a config. */
export interface ConfigContext {
  /** @default {} */
  readonly environment?: Environment;
  /** @default the keys of pg's own config, but for what an adapter has noted in it (`notedPaths`) */
  readonly paths?: ConfigPaths;
}

/** A pool config, read as pg reads it. */
export interface EffectiveConfig {
  readonly values: ConfigValues;
  /** How its user calls what stands in it. */
  readonly paths: ConfigPaths;
  readonly url: string | undefined;
  /** The URL, taken apart; absent for pg's short form of a Unix socket, too. */
  readonly parsedUrl: ConnectionUrl | undefined;
  readonly urlParameters: ReadonlyMap<string, string>;
  /**
   * Where pg connects, under the key of the host. A URL replaces the options `host`, `port` and `database`
   * altogether: what it does not say comes from the environment, and never from the option beside it.
   */
  address(): Fact<Place>;
  /**
   * The setting that pg acts on. A URL beats every option, even with an empty value
   * (`Object.assign({}, config, parse(connectionString))`); what is empty falls back to the environment.
   */
  setting(key: string, variable?: string): Fact<unknown> | undefined;
  /** A key that pg-pool reads: from its options only, never from the URL. */
  poolOption(...keys: readonly string[]): Fact<unknown> | undefined;
}

/** Reads a config without changing it. A URL that is none of Postgres' is a `PolicyError` `url/unsupported`. */
export function readConfig(config: PoolConfigInput, context: ConfigContext = {}): EffectiveConfig {
  const values = copyPoolConfig(config);
  const { environment = {}, paths = pathsIn(values) } = context;
  const { connectionString } = values;
  const url =
    typeof connectionString === "string" && connectionString !== "" ? connectionString : undefined;
  // A path is pg's own short form for a Unix socket; it takes no parameters.
  const isPath = url?.startsWith("/") === true;
  const parsedUrl = url === undefined || isPath ? undefined : readConnectionUrl(url);
  // The last of several equal names wins, as in pg-connection-string.
  const urlParameters = new Map(parsedUrl?.parameters.map(({ name, value }) => [name, value]));
  const where = (): Place => {
    if (isPath) {
      const [host, database] = (url ?? "").split(" ");
      return placeOf({ host, database });
    }
    return placeOf(parsedUrl ?? values);
  };
  return {
    values,
    paths,
    url,
    parsedUrl,
    urlParameters,
    address() {
      const own = where();
      const value = completePlace(own, environment);
      const key = url === undefined ? paths.option("host") : urlNameOf(paths);
      return {
        value,
        path: own.host === undefined && value.host !== undefined ? "env PGHOST" : key,
      };
    },
    setting(key, variable) {
      const inUrl = urlParameters.get(key);
      const value = inUrl === undefined ? values[key] : inUrl;
      // pg asks for truth, not for presence: 0, "" and false all mean "not set".
      if (value) return { value, path: inUrl === undefined ? paths.option(key) : paths.url(key) };
      const fromEnvironment = variable === undefined ? undefined : environment[variable];
      return fromEnvironment ? { value: fromEnvironment, path: `env ${variable}` } : undefined;
    },
    poolOption(...keys) {
      for (const key of keys)
        if (values[key]) return { value: values[key], path: paths.option(key) };
      return undefined;
    },
  };
}

/** pg asks for truth: what is empty is not said. */
function placeOf(values: { readonly [Key in keyof Place]?: unknown }): Place {
  const said = (["host", "port", "database"] as const).filter((key) => values[key]);
  return Object.fromEntries(said.map((key) => [key, String(values[key])]));
}

/** The words of pg's own config, but for what an adapter has noted in it. */
function pathsIn(values: ConfigValues): ConfigPaths {
  const noted = notedPaths(values);
  const word = (own: string): string => {
    const path = entryOf(noted, own);
    return typeof path === "string" ? path : own;
  };
  return {
    option: (key) => word(PG_PATHS.option(key)),
    url: (parameter) => word(PG_PATHS.url(parameter)),
  };
}

/** What the user calls the URL itself: what stands in front of a parameter's name. */
export function urlNameOf(paths: ConfigPaths): string {
  return paths.url("").replace(/\?$/u, "");
}

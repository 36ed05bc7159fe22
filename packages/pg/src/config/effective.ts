import {
  type ConnectionUrl,
  type Environment,
  type Fact,
  readConnectionUrl,
} from "@doorpolicy/core";

import { type ConfigValues, type PoolConfigInput, copyPoolConfig } from "./pool-config.ts";

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
  /** @default the keys of pg's own config */
  readonly paths?: ConfigPaths;
}

/** A pool config, read as pg reads it. */
export interface EffectiveConfig {
  readonly values: ConfigValues;
  readonly url: string | undefined;
  /** The URL, taken apart; absent for pg's short form of a Unix socket, too. */
  readonly parsedUrl: ConnectionUrl | undefined;
  readonly urlParameters: ReadonlyMap<string, string>;
  /**
   * Where pg connects. A URL replaces the options `host` and `port` altogether: what it does not say comes
   * from the environment, and never from the option beside it.
   */
  address(): { readonly host: Fact<unknown> | undefined; readonly port: Fact<unknown> | undefined };
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
  const { environment = {}, paths = PG_PATHS } = context;
  const values = copyPoolConfig(config);
  const { connectionString } = values;
  const url =
    typeof connectionString === "string" && connectionString !== "" ? connectionString : undefined;
  // A path is pg's own short form for a Unix socket; it takes no parameters.
  const parsedUrl = url === undefined || url.startsWith("/") ? undefined : readConnectionUrl(url);
  // The last of several equal names wins, as in pg-connection-string.
  const urlParameters = new Map(parsedUrl?.parameters.map(({ name, value }) => [name, value]));
  const place = (key: "host" | "port", variable: string): Fact<unknown> | undefined => {
    const value = url === undefined ? values[key] : parsedUrl?.[key];
    if (value) return { value, path: url === undefined ? paths.option(key) : urlNameOf(paths) };
    const fromEnvironment = environment[variable];
    return fromEnvironment ? { value: fromEnvironment, path: `env ${variable}` } : undefined;
  };
  return {
    values,
    url,
    parsedUrl,
    urlParameters,
    address: () => ({ host: place("host", "PGHOST"), port: place("port", "PGPORT") }),
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

/** What the user calls the URL itself: what stands in front of a parameter's name. */
export function urlNameOf(paths: ConfigPaths): string {
  return paths.url("").replace(/\?$/u, "");
}

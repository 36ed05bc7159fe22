import {
  conflictingParameters,
  type ConnectionUrl,
  type Contradiction,
  credentialsOf,
  type Environment,
  type Fact,
} from "@doorpolicy/core";

import { type EffectiveConfig, urlNameOf } from "./effective.ts";
import { LIMIT_PARAMETERS, limitFromPgValue } from "./startup-options.ts";
import { isSameTls, tlsParameterOf } from "./tls-mode.ts";

const WHERE = ["host", "port", "database", "user", "password"] as const;

/** What else pg takes from the URL where it stands there; the name does not count, it is the policy's. */
const IN_EITHER = [...Object.keys(LIMIT_PARAMETERS), "query_timeout", "options", "replication"];

/**
 * Settings of one config that say two different things, of which pg acts on one without a word. Each is
 * told under the key that has no effect. Values are compared and never shown.
 *
 * - A URL replaces `host`, `port`, `database`, `user` and `password` beside it, also those that it does
 *   not hold: these come from PG… variables then, or are pg's defaults (pg 8.5 to 8.23,
 *   `connection-parameters.js`). A function for the password is never asked.
 * - A URL with any TLS parameter replaces the whole of `ssl`, a CA in it included.
 * - A time-out, `options` or `replication` in a URL replaces the option of that name, even with an empty text.
 * - Of two parameters of one name the last one counts.
 *
 * Variables of the environment only fill what is left open, and contradict nothing.
 */
export function contradictionsIn(
  { values, url, parsedUrl, urlParameters, paths }: EffectiveConfig,
  environment: Environment,
): readonly Fact<Contradiction>[] {
  if (url === undefined || parsedUrl === undefined) return [];
  const found: Fact<Contradiction>[] = [];
  const replaced = (setting: string, wins: string): void => {
    found.push({ value: { setting, wins }, path: paths.option(setting) });
  };
  const inEffect = whereOf(url, parsedUrl, environment);
  for (const setting of WHERE) {
    const given = values[setting];
    if (given && !isSameText(given, inEffect[setting])) replaced(setting, urlNameOf(paths));
  }
  const tls = tlsParameterOf(urlParameters);
  if (tls !== undefined && values["ssl"] != null && !isSameTls(values["ssl"], urlParameters)) {
    replaced("ssl", paths.url(tls));
  }
  for (const setting of IN_EITHER) {
    const given = values[setting];
    const inUrl = urlParameters.get(setting);
    if (given && inUrl !== undefined && !isSameSetting(given, inUrl)) {
      replaced(setting, paths.url(setting));
    }
  }
  for (const name of conflictingParameters(url)) {
    found.push({ value: { setting: name, wins: `the last \`${name}\`` }, path: paths.url(name) });
  }
  return found;
}

/** Where pg connects with this URL, and as whom: what it does not say is filled in by the environment. */
function whereOf(
  url: string,
  { host, port, database }: ConnectionUrl,
  { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE }: Environment,
): Readonly<Record<(typeof WHERE)[number], string | undefined>> {
  const credentials = credentialsOf(url);
  const user = first(credentials.user, PGUSER);
  return {
    host: first(host, PGHOST, "localhost"),
    port: first(port, PGPORT, "5432"),
    database: first(database, PGDATABASE, user),
    user,
    password: first(credentials.password, PGPASSWORD),
  };
}

/** What is empty is left open. */
function first(...texts: readonly (string | undefined)[]): string | undefined {
  return texts.find((text) => text !== undefined && text !== "");
}

/** Numbers count as their digits; a function for the password is the same as nothing. */
function isSameText(given: unknown, text: string | undefined): boolean {
  return typeof given === "number" ? String(given) === text : given === text;
}

/** By what pg makes of it: of a limit it sends the digits. */
function isSameSetting(given: unknown, text: string): boolean {
  const limit = limitFromPgValue(given);
  return String(given) === text || (limit !== undefined && limit === limitFromPgValue(text));
}

import { type Contradiction, credentialsOf, type Fact } from "@doorpolicy/core";

import { type ConfigContext, type EffectiveConfig, PG_PATHS, urlNameOf } from "./effective.ts";
import { isSameTls, TLS_PARAMETERS } from "./tls-mode.ts";

const WHERE = ["host", "port", "database", "user", "password"] as const;

/**
 * Settings of one config that say two different things, of which pg acts on one without a word. Each is
 * told under the key that has no effect. Values are compared and never shown.
 *
 * - A URL replaces `host`, `port`, `database`, `user` and `password` beside it, also those that it does
 *   not hold: these come from PG… variables then (pg 8.5 to 8.23, `connection-parameters.js`). A function
 *   for the password is never asked.
 * - A URL with any TLS parameter replaces the whole of `ssl`, a CA in it included.
 * - Of two parameters of one name the last one counts.
 *
 * Variables of the environment only fill what is left open, and contradict nothing.
 */
export function contradictionsIn(
  effective: EffectiveConfig,
  { paths = PG_PATHS }: ConfigContext = {},
): readonly Fact<Contradiction>[] {
  const { values, url, parsedUrl, urlParameters } = effective;
  if (url === undefined || parsedUrl === undefined) return [];
  const found: Fact<Contradiction>[] = [];
  const inUrl = { ...parsedUrl, ...credentialsOf(url) };
  const urlName = urlNameOf(paths);
  for (const setting of WHERE) {
    const given = values[setting];
    if (!given || isSameText(given, inUrl[setting])) continue;
    found.push({ value: { setting, wins: urlName }, path: paths.option(setting) });
  }
  const tls = TLS_PARAMETERS.find((name) => urlParameters.get(name));
  if (tls !== undefined && values["ssl"] != null && !isSameTls(values["ssl"], urlParameters)) {
    found.push({ value: { setting: "ssl", wins: paths.url(tls) }, path: paths.option("ssl") });
  }
  for (const [name, last] of urlParameters) {
    const others = parsedUrl.parameters.filter((one) => one.name === name && one.value !== last);
    if (others.length > 0) {
      found.push({
        value: { setting: name, wins: `the last \`${name}\`` },
        path: paths.url(name),
      });
    }
  }
  return found;
}

/** Numbers count as their digits; a function for the password is the same as nothing. */
function isSameText(given: unknown, text: string | undefined): boolean {
  return typeof given === "number" ? String(given) === text : given === text;
}

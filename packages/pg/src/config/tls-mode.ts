import type { Environment, TlsMode } from "@doorpolicy/core";

import type { EffectiveConfig } from "./effective.ts";
import { entryOf } from "./entry.ts";

type UrlParameters = ReadonlyMap<string, string>;

/** The TLS that pg makes of a config, and the user's own key for what decides it. */
export interface EffectiveTls extends TlsMode {
  readonly path: string;
}

/**
 * What pg 8 makes of a TLS mode that is written as a word; `undefined` where there is none, so that
 * the option `ssl` or pg's default, no TLS, holds.
 *
 * | written | in the URL | in the URL, with `uselibpqcompat=true` | in PGSSLMODE |
 * | --- | --- | --- | --- |
 * | `disable` | off | off | off |
 * | `no-verify` | unverified | not known: verified in full | unverified |
 * | `prefer` | verified in full | unverified | verified in full |
 * | `require` | verified in full | unverified, with `sslrootcert` verified without the name | verified in full |
 * | `verify-ca` | verified in full | verified without the name | verified in full |
 * | `verify-full` | verified in full | verified in full | verified in full |
 * | any other, `allow` too | not known: verified in full | not known: verified in full | not known: off |
 * | `ssl=` without a text | not known: off | not known: off | – |
 *
 * From source: pg-connection-string 2.4 to 2.14 (`parse`), pg 8.5 to 8.23 (`connection-parameters.js`).
 * pg 9 is announced to give `prefer`, `require` and `verify-ca` libpq's meaning, which is weaker.
 */
export function tlsModeOf(
  { values, urlParameters, paths }: EffectiveConfig,
  environment: Environment,
): EffectiveTls | undefined {
  const written = urlParameters.get("sslmode");
  if (written) {
    const isCompatible = urlParameters.get("uselibpqcompat") === "true";
    const hasRoot = Boolean(urlParameters.get("sslrootcert"));
    const does = isCompatible ? asLibpq(written, hasRoot) : entryOf(IN_URL, written);
    return {
      written: `sslmode=${written}`,
      path: paths.url("sslmode"),
      does: does ?? "verify-full",
      standing: standingOf(does !== undefined, !isCompatible && AMBIGUOUS.has(written)),
    };
  }
  const replacing = tlsParameterOf(urlParameters);
  if (replacing !== undefined) {
    const ssl = urlParameters.get("ssl");
    const isWord = ssl !== undefined && ssl !== "" && entryOf(SSL, ssl) === undefined;
    // A template whose variable was not set.
    const isEmpty = replacing === "ssl" && ssl === "";
    if (!isWord && !isEmpty) return undefined;
    // Any other text is true to pg, and so is `false`; none at all is no TLS.
    const does = isEmpty ? "off" : "verify-full";
    return { written: `ssl=${ssl}`, path: paths.url("ssl"), does, standing: "unknown" };
  }
  const { PGSSLMODE: mode } = environment;
  if (values["ssl"] !== undefined || !mode) return undefined;
  const does = entryOf(IN_URL, mode);
  return {
    written: `PGSSLMODE=${mode}`,
    path: "env PGSSLMODE",
    does: does ?? "off",
    standing: standingOf(does !== undefined, AMBIGUOUS.has(mode)),
  };
}

/**
 * The parameter of a URL with which pg takes its `ssl` from the URL alone, instead of the option `ssl` and of
 * PGSSLMODE; `undefined` where there is none. `ssl` counts though it is empty (no TLS then), the others do not;
 * `sslnegotiation=direct` means TLS by itself (pg-connection-string 2.14, `parse`).
 */
export function tlsParameterOf(parameters: UrlParameters): string | undefined {
  const found = ["sslmode", ...CERTIFICATES].find((name) => parameters.get(name));
  if (found !== undefined) return found;
  if (parameters.has("ssl")) return "ssl";
  return parameters.get("sslnegotiation") === "direct" ? "sslnegotiation" : undefined;
}

/** True where the option `ssl` says the same as the URL, which replaces it. */
export function isSameTls(ssl: unknown, parameters: UrlParameters): boolean {
  if (CERTIFICATES.some((name) => parameters.get(name))) return false;
  const ofUrl = meaningOfUrl(parameters);
  return ofUrl !== undefined && ofUrl === meaningOf(ssl);
}

const CERTIFICATES = ["sslcert", "sslkey", "sslrootcert"] as const;

function meaningOfUrl(parameters: UrlParameters): TlsMode["does"] | undefined {
  const mode = parameters.get("sslmode");
  if (mode) {
    return parameters.get("uselibpqcompat") === "true"
      ? asLibpq(mode, false)
      : entryOf(IN_URL, mode);
  }
  const ssl = parameters.get("ssl");
  if (ssl === undefined) return "verify-full";
  return ssl === "" ? "off" : entryOf(SSL, ssl);
}

const IN_URL: Readonly<Record<string, TlsMode["does"]>> = {
  disable: "off",
  "no-verify": "no-verify",
  prefer: "verify-full",
  require: "verify-full",
  "verify-ca": "verify-full",
  "verify-full": "verify-full",
};

const SSL: Readonly<Record<string, TlsMode["does"]>> = {
  true: "verify-full",
  "1": "verify-full",
  "0": "off",
  "no-verify": "no-verify",
};

/** What pg 9 reads otherwise. */
const AMBIGUOUS: ReadonlySet<string> = new Set(["prefer", "require", "verify-ca"]);

function asLibpq(mode: string, hasRoot: boolean): TlsMode["does"] | undefined {
  switch (mode) {
    case "disable":
      return "off";
    case "prefer":
      return "no-verify";
    case "require":
      return hasRoot ? "verify-ca" : "no-verify";
    case "verify-ca":
    case "verify-full":
      return mode;
    default:
      return undefined;
  }
}

function standingOf(isKnown: boolean, isAmbiguous: boolean): TlsMode["standing"] {
  if (!isKnown) return "unknown";
  return isAmbiguous ? "ambiguous" : "explicit";
}

/** `undefined` for options that hold more than a mode, such as a CA. */
function meaningOf(ssl: unknown): TlsMode["does"] | undefined {
  if (ssl === false) return "off";
  if (ssl === true) return "verify-full";
  if (typeof ssl !== "object" || ssl === null) return undefined;
  const keys = Object.keys(ssl);
  if (keys.length === 0) return "verify-full";
  if (keys.length > 1 || !("rejectUnauthorized" in ssl)) return undefined;
  return ssl.rejectUnauthorized === false ? "no-verify" : "verify-full";
}

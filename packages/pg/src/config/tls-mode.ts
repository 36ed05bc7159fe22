import type { Environment, TlsMode } from "@doorpolicy/core";

import { type ConfigPaths, type EffectiveConfig } from "./effective.ts";

/** Parameters of a URL of which one is enough for pg to take its `ssl` from the URL alone. */
export const TLS_PARAMETERS = ["ssl", "sslmode", "sslcert", "sslkey", "sslrootcert"] as const;

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
 *
 * From source: pg-connection-string 2.4 to 2.14 (`parse`), pg 8.5 to 8.23 (`connection-parameters.js`).
 * pg 9 is announced to give `prefer`, `require` and `verify-ca` libpq's meaning, which is weaker.
 */
export function tlsModeOf(
  { values, urlParameters }: EffectiveConfig,
  environment: Environment,
  paths: ConfigPaths,
): EffectiveTls | undefined {
  const written = urlParameters.get("sslmode");
  if (written) {
    const isCompatible = urlParameters.get("uselibpqcompat") === "true";
    const hasRoot = Boolean(urlParameters.get("sslrootcert"));
    const does = isCompatible ? asLibpq(written, hasRoot) : IN_URL[written];
    return {
      written: `sslmode=${written}`,
      path: paths.url("sslmode"),
      does: does ?? "verify-full",
      standing: standingOf(does !== undefined, !isCompatible && AMBIGUOUS.has(written)),
    };
  }
  if (TLS_PARAMETERS.some((name) => urlParameters.get(name))) {
    const ssl = urlParameters.get("ssl");
    if (!ssl || SSL[ssl] !== undefined) return undefined;
    // Any other text is true to pg, and so is `false`.
    const path = paths.url("ssl");
    return { written: `ssl=${ssl}`, path, does: "verify-full", standing: "unknown" };
  }
  const { PGSSLMODE: mode } = environment;
  if (values["ssl"] !== undefined || !mode) return undefined;
  const does = IN_URL[mode];
  return {
    written: `PGSSLMODE=${mode}`,
    path: "env PGSSLMODE",
    does: does ?? "off",
    standing: standingOf(does !== undefined, AMBIGUOUS.has(mode)),
  };
}

/** True where the option `ssl` says the same as the URL, which replaces it. */
export function isSameTls(ssl: unknown, parameters: ReadonlyMap<string, string>): boolean {
  if (["sslcert", "sslkey", "sslrootcert"].some((name) => parameters.get(name))) return false;
  const mode = parameters.get("sslmode");
  const compatible = parameters.get("uselibpqcompat") === "true";
  const ofUrl = mode
    ? compatible
      ? asLibpq(mode, false)
      : IN_URL[mode]
    : SSL[parameters.get("ssl") ?? ""];
  return ofUrl !== undefined && ofUrl === meaningOf(ssl);
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

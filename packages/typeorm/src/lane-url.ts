import { type LaneInUse, PolicyError } from "@doorpolicy/core";
import { hasConnection, laneConnection } from "@doorpolicy/pg";

import { endpointsOf, poolConfigOf, type PostgresOptions } from "./options.ts";

/** Options that say where to connect, and what their URL is called where it came from the policy. */
export interface ConnectedOptions {
  readonly options: PostgresOptions;
  readonly urlName?: string;
}

/** True where the options themselves say where to connect. */
export function connectsItself(options: PostgresOptions): boolean {
  return options.replication !== undefined || hasConnection(poolConfigOf(options, options));
}

/** The options with the URL of the lane, where they have none of their own and the policy has one. */
export function withLaneUrl(
  options: PostgresOptions,
  lane: LaneInUse | undefined,
): ConnectedOptions {
  const connection =
    lane === undefined || connectsItself(options) ? undefined : laneConnection(lane);
  if (connection === undefined) return { options };
  return { options: { ...options, url: connection.connectionString }, urlName: connection.from };
}

/**
 * TypeORM decodes user name and password of a URL by itself, and ends with a bare `URIError` at a `%`
 * that begins no encoded character (0.3.31 and 1.1.1). node-postgres would take the same URL, which
 * is why the core does too. `PolicyError` `url/unsupported`, without the URL.
 */
export function refuseUndecodable({ options, urlName }: ConnectedOptions, lane: LaneInUse): void {
  for (const { prefix, credentials } of endpointsOf(options)) {
    if (typeof credentials.url !== "string" || isDecodable(credentials.url)) continue;
    const path = urlName ?? `${prefix}url`;
    throw new PolicyError(
      "url/unsupported",
      `The URL of the ${lane.lane} lane of target \`${lane.target.name}\` (${path}) has a \`%\` in its user name or password that begins no encoded character, and TypeORM cannot read it.`,
      { path, hint: "Encode each `%` that stands for itself as `%25`." },
    );
  }
}

function isDecodable(url: string): boolean {
  // TypeORM's own reading: what stands between `//` and the next slash, up to its last `@`.
  const base = url.slice(url.indexOf("//") + 2).split("/", 1)[0] ?? "";
  try {
    // Decoded in two, as there; of the colons any divides what can be decoded.
    base
      .slice(0, Math.max(0, base.lastIndexOf("@")))
      .split(":")
      .forEach((part) => decodeURIComponent(part));
    return true;
  } catch {
    return false;
  }
}

import { isPolicyError } from "../errors.ts";
import type { ResolvedTarget } from "../resolved-policy.ts";
import type { SecretUrl } from "../secret-url.ts";
import { readConnectionUrl } from "./connection-url.ts";

/**
 * Whether the direct lane of a target leads to the very place of the pooled one: same host, port and
 * database. No name is looked up, so that two names of one server are two places. False where a
 * session is kept, where a URL is missing, and where one cannot be read.
 */
export function isDirectPooled({
  capabilities,
  lanes: { pooled, direct },
}: ResolvedTarget): boolean {
  // A pooler in session mode does what Postgres does.
  if (capabilities.has("session-state")) return false;
  if (pooled.url === undefined || direct.url === undefined) return false;
  const place = placeOf(pooled.url);
  return place !== undefined && place === placeOf(direct.url);
}

function placeOf(url: SecretUrl): string | undefined {
  try {
    const { host = "", port = "5432", database = "" } = readConnectionUrl(url.reveal());
    return `${host.toLowerCase()}:${port}/${database}`;
  } catch (error) {
    if (isPolicyError(error)) return undefined;
    throw error;
  }
}

import type { Environment } from "../env.ts";
import { isPolicyError } from "../errors.ts";
import type { ResolvedTarget } from "../resolved-policy.ts";
import type { SecretUrl } from "../secret-url.ts";
import { type ConnectionUrl, readConnectionUrl } from "./connection-url.ts";

/** Where a client connects, as far as it is said. */
export type Place = Partial<Pick<ConnectionUrl, "host" | "port" | "database">>;

/**
 * Whether the direct lane of a target leads to the very place of the pooled one: same host, port and
 * database. No name is looked up, so that two names of one server are two places; who logs in there is
 * not compared. False where a session is kept, where a URL is missing, and where one cannot be read.
 *
 * What a URL leaves out comes from `PGHOST`, `PGPORT` and `PGDATABASE` of the environment, for a client
 * that reads these.
 */
export function isDirectPooled(target: ResolvedTarget, environment: Environment = {}): boolean {
  const { direct } = target.lanes;
  const place = direct.url && placeOf(direct.url);
  return place !== undefined && isPooledPlace(target, place, environment);
}

/** Whether a place is that of a target's pooled lane; see {@link isDirectPooled}. */
export function isPooledPlace(
  { capabilities, lanes: { pooled } }: ResolvedTarget,
  place: Place,
  environment: Environment = {},
): boolean {
  // A pooler in session mode does what Postgres does.
  if (capabilities.has("session-state") || pooled.url === undefined) return false;
  const there = placeOf(pooled.url);
  return (
    there !== undefined &&
    placeText(completePlace(there, environment)) === placeText(completePlace(place, environment))
  );
}

/** A place, with what the environment fills in where nothing is said: the host, the port, the database. */
export function completePlace(place: Place, environment: Environment): Place {
  const { PGHOST, PGPORT, PGDATABASE } = environment;
  return {
    ...(PGHOST ? { host: PGHOST } : {}),
    ...(PGPORT ? { port: PGPORT } : {}),
    ...(PGDATABASE ? { database: PGDATABASE } : {}),
    ...place,
  };
}

function placeText({ host = "localhost", port = "5432", database = "" }: Place): string {
  return `${host.toLowerCase()}:${port}/${database}`;
}

function placeOf(url: SecretUrl): Place | undefined {
  try {
    const { host, port, database } = readConnectionUrl(url.reveal());
    return {
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(database === undefined ? {} : { database }),
    };
  } catch (error) {
    if (isPolicyError(error)) return undefined;
    throw error;
  }
}

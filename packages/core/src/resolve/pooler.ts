import type { Environment } from "../env.ts";
import { isPolicyError } from "../errors.ts";
import type { PoolerPolicy } from "../policy.ts";
import { titleOfPooler } from "../pooler.ts";
import { recognisePooler, type RecognisedPooler } from "../poolers/recognise.ts";
import type { LaneUrl, ResolvedPooler, ResolvedTarget } from "../resolved-policy.ts";
import { readConnectionUrl } from "../url/connection-url.ts";
import { completePlace } from "../url/place.ts";
import { mergePooler } from "./merge.ts";

/** What counts as there where nobody says it: it can do as little as any. */
const ASSUMED: PoolerPolicy = { kind: "pgbouncer" };

/**
 * The pooler of a target: its own `pooler`, over the policy's; where neither is there, the one that
 * the pooled URL shows, else a PgBouncer of unknown version. What the policy leaves open of the kind that
 * the URL shows, its mode, the URL says. A host and a port that the URL leaves out are those of `PGHOST` and
 * `PGPORT`, to which node-postgres and libpq then connect.
 */
export function resolvePooler(
  own: PoolerPolicy | undefined,
  ofPolicy: PoolerPolicy | undefined,
  pooled: LaneUrl,
  environment: Environment,
): ResolvedPooler {
  const declared = mergePooler(ofPolicy, own);
  const shown = recognisedIn(pooled, environment);
  const { kind, version, mode, limits, settings } = declared ?? shown ?? ASSUMED;
  return Object.freeze({
    declaredBy: declared === undefined ? (shown === undefined ? "nobody" : "url") : "policy",
    kind,
    version,
    mode: mode ?? (shown?.kind === kind ? shown.mode : undefined) ?? "transaction",
    limits: Object.freeze({ ...limits }),
    settings: Object.freeze({ ...settings }),
  });
}

/**
 * Says of each target whose pooler was recognised what it was taken for, and by what; and of each one that
 * takes no transaction blocks what does not work there.
 */
export function poolerNotices(
  targets: Readonly<Record<string, ResolvedTarget>>,
  environment: Environment,
): readonly string[] {
  return Object.values(targets).flatMap((target) => [
    ...recognitionNotice(target, environment),
    ...blockNotice(target),
  ]);
}

function recognitionNotice(
  { name, pooler, lanes: { pooled } }: ResolvedTarget,
  environment: Environment,
): readonly string[] {
  const shown = pooler.declaredBy === "url" ? recognisedIn(pooled, environment) : undefined;
  if (shown === undefined || pooled.url === undefined) return [];
  const what =
    pooler.kind === "none"
      ? "Postgres itself, without a pooler"
      : `${titleOfPooler(pooler)} in ${pooler.mode} mode`;
  return [
    `Target \`${name}\` is taken for ${what}, since ${pooled.from} leads to \`${shown.by}\`. Declare it as \`targets.${name}.pooler\`.`,
  ];
}

/** Not refused: a service whose statements all stand alone may well use such a pool. */
function blockNotice({ name, pooler, capabilities }: ResolvedTarget): readonly string[] {
  if (capabilities.has("transaction-blocks")) return [];
  return [
    `Target \`${name}\`: ${titleOfPooler(pooler)} in ${pooler.mode} mode refuses BEGIN, so that no transaction, of the policy or of an ORM, works there. Set \`mode\` to "transaction", or send statements that stand alone.`,
  ];
}

/** What a lane's URL shows; nothing where there is none, or none that can be read: who uses it hears of that. */
function recognisedIn(
  lane: LaneUrl,
  environment: Environment,
): (RecognisedPooler & Partial<PoolerPolicy>) | undefined {
  if (lane.url === undefined) return undefined;
  try {
    return recognisePooler(completePlace(readConnectionUrl(lane.url.reveal()), environment));
  } catch (error) {
    if (isPolicyError(error)) return undefined;
    throw error;
  }
}

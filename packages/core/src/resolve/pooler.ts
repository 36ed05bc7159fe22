import { isPolicyError } from "../errors.ts";
import type { PoolerPolicy } from "../policy.ts";
import { titleOfPooler } from "../pooler.ts";
import { recognisePooler, type RecognisedPooler } from "../poolers/recognise.ts";
import type { LaneUrl, ResolvedPooler, ResolvedTarget } from "../resolved-policy.ts";
import { readConnectionUrl } from "../url/connection-url.ts";
import { mergePooler } from "./merge.ts";

/** What counts as there where nobody says it: it can do as little as any. */
const ASSUMED: PoolerPolicy = { kind: "pgbouncer" };

/**
 * The pooler of a target: its own `pooler`, over the policy's; where neither is there, the one that
 * the pooled URL shows, else a PgBouncer of unknown version. What the policy leaves open of the kind that
 * the URL shows, its mode, the URL says.
 */
export function resolvePooler(
  own: PoolerPolicy | undefined,
  ofPolicy: PoolerPolicy | undefined,
  pooled: LaneUrl,
): ResolvedPooler {
  const declared = mergePooler(ofPolicy, own);
  const shown = recognisedIn(pooled);
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

/** Says of each target whose pooler was recognised what it was taken for, and by what. */
export function poolerNotices(
  targets: Readonly<Record<string, ResolvedTarget>>,
): readonly string[] {
  return Object.values(targets).flatMap(({ name, pooler, lanes: { pooled } }) => {
    const shown = pooler.declaredBy === "url" ? recognisedIn(pooled) : undefined;
    if (shown === undefined || pooled.url === undefined) return [];
    const what =
      pooler.kind === "none"
        ? "Postgres itself, without a pooler"
        : `${titleOfPooler(pooler)} in ${pooler.mode} mode`;
    return [
      `Target \`${name}\` is taken for ${what}, since ${pooled.from} leads to \`${shown.by}\`. Declare it as \`targets.${name}.pooler\`.`,
    ];
  });
}

/** What a lane's URL shows; nothing where there is none, or none that can be read: who uses it hears of that. */
function recognisedIn(lane: LaneUrl): (RecognisedPooler & Partial<PoolerPolicy>) | undefined {
  if (lane.url === undefined) return undefined;
  try {
    return recognisePooler(readConnectionUrl(lane.url.reveal()));
  } catch (error) {
    if (isPolicyError(error)) return undefined;
    throw error;
  }
}

import type { Capability } from "../capability.ts";
import type { Lane } from "../mode.ts";
import { titleOfPooler } from "../pooler.ts";
import type { ResolvedPooler, ResolvedTarget } from "../resolved-policy.ts";
import { isAtLeast, isVersion, versionOf } from "../version.ts";
import type { RecognisedPooler } from "./recognise.ts";

/** How what is there differs from what the policy says of it. */
export interface PoolerDifference {
  /** What happens because of it, in plain words. */
  readonly message: string;
  /** One imperative sentence. */
  readonly help: string;
}

/** What is known of a lane when it is compared. */
export interface LaneClaims {
  readonly target: ResolvedTarget;
  readonly lane: Lane;
  readonly has: (capability: Capability) => boolean;
}

/** What PgBouncer 1.26 and later says of itself at login (`pgbouncer.*`), as text. */
export interface AnnouncedPooler {
  readonly version?: string | undefined;
  /** The effective one: settings of the database and of the user are reflected in it (measured). */
  readonly poolMode?: string | undefined;
  readonly maxPreparedStatements?: string | undefined;
}

/**
 * Holds what a URL shows against what the policy says of the lane; `undefined` where they agree. The
 * policy wins in any case: this only says that it may be wrong.
 *
 * On the direct lane a pooler in session mode is left alone: Supabase documents it for networks
 * without IPv6. So is a replica at Postgres itself, which can do no less than the pooler that is declared.
 */
export function differenceFromUrl(
  shown: RecognisedPooler,
  { target, lane }: LaneClaims,
): PoolerDifference | undefined {
  const leads = `the URL leads to ${titleOf(shown)} (\`${shown.by}\`)`;
  if (lane === "direct") {
    if (shown.kind === "none" || shown.mode === "session") return undefined;
    return {
      message: `This is the direct lane, and ${leads}: what migrations, listeners and locks set there stays on server connections that other clients use next.`,
      help: `Set \`targets.${target.name}.direct\` to the URL of Postgres itself.`,
    };
  }
  if (lane === "replica" && shown.kind === "none") return undefined;
  const { pooler } = target;
  const isSame = shown.kind === pooler.kind;
  if (isSame && (shown.mode === undefined || shown.mode === pooler.mode)) return undefined;
  return {
    message: `${claimOf(pooler)}, and ${leads}: statements and startup parameters are judged by what another pooler can do.`,
    help: `${setPooler({ target, lane })} to \`{ kind: "${shown.kind}"${shown.mode === undefined ? "" : `, mode: "${shown.mode}"`} }\`.`,
  };
}

/**
 * Holds what a PgBouncer announces against what the policy claims of the lane; `undefined` where it can
 * do no less. A newer version than declared is no difference: the policy claims less than there is.
 */
export function differenceFromAnnounced(
  announced: AnnouncedPooler,
  { target, lane, has }: LaneClaims,
): PoolerDifference | undefined {
  const { version = "of unknown version", poolMode, maxPreparedStatements } = announced;
  const { pooler } = target;
  const it = `PgBouncer ${version}`;
  const set = (key: string): string => setPooler({ target, lane }, `.${key}`);
  if (!has("pools-connections")) {
    if (lane === "direct" && poolMode === "session") return undefined;
    return {
      message: `Nothing stands between this lane and Postgres, the policy says, and ${it} in ${poolMode ?? "unknown"} mode answers: what a session sets stays on server connections that other clients use next.`,
      help:
        lane === "direct"
          ? `Set \`targets.${target.name}.direct\` to the URL of Postgres itself.`
          : `${set("kind")} to "pgbouncer".`,
    };
  }
  // Neon has one inside.
  if (pooler.kind !== "pgbouncer" && pooler.kind !== "neon") {
    return {
      message: `${claimOf(pooler)}, and ${it} answers: statements and startup parameters are judged by what another pooler can do.`,
      help: `${set("kind")} to "pgbouncer".`,
    };
  }
  if (poolMode !== undefined && poolMode !== pooler.mode) {
    return {
      message:
        pooler.mode === "session"
          ? `${claimOf(pooler)}, and it pools in ${poolMode} mode: what a session sets stays on server connections that other clients use next.`
          : `${claimOf(pooler)}, and it pools in ${poolMode} mode: ${poolMode === "session" ? "each client keeps a server connection for as long as it is connected" : "it refuses transaction blocks"}.`,
      help: `${set("mode")} to "${poolMode}", or \`pool_mode\` in PgBouncer to "${pooler.mode}".`,
    };
  }
  if (isOlder(announced.version, pooler.version)) {
    return {
      message: `${claimOf(pooler)}, and ${it} answers, which can do less: what the policy takes for safe may leak or be refused.`,
      help: `${set("version")} to "${version}".`,
    };
  }
  if (maxPreparedStatements === "0" && has("tracks-named-statements")) {
    return {
      message: `The policy takes named statements for tracked, and \`max_prepared_statements\` of ${it} is 0: they fail at random with 42P05 or 26000.`,
      help: `${set("settings.maxPreparedStatements")} to 0, or \`max_prepared_statements\` in PgBouncer to 200.`,
    };
  }
  return undefined;
}

/** A target says of one pooler what it is: replicas behind another one, or none, need one of their own. */
function setPooler({ target, lane }: Pick<LaneClaims, "target" | "lane">, key = ""): string {
  return lane === "replica"
    ? `Move the replicas to a target of their own, and set its \`pooler${key}\``
    : `Set \`targets.${target.name}.pooler${key}\``;
}

function claimOf(pooler: ResolvedPooler): string {
  if (pooler.kind === "none") return "Nothing stands between it and Postgres, the policy says";
  const claim = `${titleOfPooler(pooler)} in ${pooler.mode} mode`;
  return pooler.declaredBy === "policy"
    ? `The policy says ${claim}`
    : `The policy declares no pooler, and ${claim} is assumed`;
}

function titleOf({ kind, mode }: RecognisedPooler): string {
  if (kind === "none") return "Postgres itself";
  // A URL never shows a version.
  const title = titleOfPooler({ kind }).replace(" of unknown version", "");
  return mode === undefined ? title : `${title} in ${mode} mode`;
}

function isOlder(announced: string | undefined, declared: string | undefined): boolean {
  if (announced === undefined || declared === undefined) return false;
  if (!isVersion(announced) || !isVersion(declared)) return false;
  return !isAtLeast(versionOf(announced), versionOf(declared));
}

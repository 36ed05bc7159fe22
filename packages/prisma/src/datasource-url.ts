import {
  type ConnectionUrl,
  isDirectPooled,
  type LaneChoice,
  type LaneInUse,
  laneInUse,
  type Policy,
  PolicyError,
  readConnectionUrl,
  type ResolvedPolicy,
  SecretUrl,
  withoutParameters,
  withParameter,
} from "@doorpolicy/core";
import { laneConnection, resolveForProcess, sayChanges, type SettingChange } from "@doorpolicy/pg";

import { refuseStartup } from "./engine-startup.ts";
import { applyEngineTls } from "./engine-tls.ts";
import { refuseWithoutSetting } from "./unguarded-client.ts";

/** A URL for Prisma's own engines, and what the policy changed in it. */
export interface DatasourceUrl {
  /** Printing it shows no secret. */
  readonly url: SecretUrl;
  readonly changes: readonly SettingChange[];
  /** Name, cap and waiting time hold; what happens inside a transaction is seen by no guard. */
  readonly coverage: "configured";
}

/**
 * The URL of a lane for the clients of Prisma 5 and 6 that run on the native engine
 * (`new PrismaClient({ datasourceUrl })`) and, on the direct lane, for the CLI of every Prisma.
 *
 * The text is changed as little as possible: parameters are removed and appended, every other byte
 * stays. On a lane with a pooler it gets the name, a connection limit, a finite wait, a short idle
 * life, a limit to its age, and `pgbouncer=true` only where the pooler does not track named statements (where it does,
 * the `DEALLOCATE ALL` of that mode breaks the statements of other clients: failure P02). On the
 * direct lane it gets the name, and loses `pgbouncer`.
 *
 * The native engine always keeps connections for a while: `reuse: "none"` is only approximated, at
 * one second. What was overridden or dropped is said once as a process warning.
 *
 * The direct lane is refused (`policy/missing-url`) where the policy has no direct URL, or where it
 * is the pooled one: Migrate takes a session lock, which a pooler leaves on a stranger's connection
 * (P19). A lane of a target with `requireSetting` is refused in enforce (`unit/required-setting`): the engine
 * sends no setting of a unit. TLS words are written in the engine's own, see
 * {@link applyEngineTls}. Also throws `PolicyError` `options/refused`, `startup/refused`, `url/unsupported`, `policy/unknown-target`.
 */
export function datasourceUrl(policy: Policy | ResolvedPolicy, choice: LaneChoice = {}): string {
  const lane = laneInUse(resolveForProcess(policy), choice);
  const { url, changes } = rewrite(lane);
  sayChanges("prisma", lane, changes);
  return url.reveal();
}

/** {@link datasourceUrl} with an account of what was changed, and without saying it. */
export function describeDatasourceUrl(
  policy: Policy | ResolvedPolicy,
  choice: LaneChoice = {},
): DatasourceUrl {
  return rewrite(laneInUse(resolveForProcess(policy), choice));
}

function rewrite(lane: LaneInUse): DatasourceUrl {
  refuseWithoutSetting(lane);
  if (lane.lane === "direct") refusePooledAsDirect(lane);
  const given = lane.url().reveal();
  const draft = new UrlDraft(given, laneConnection(lane)?.from ?? "url");
  applyEngineTls(draft, lane);
  // The core's alphabet for names is the one that Prisma's schema engine needs: it writes parameters
  // back without encoding them, so that `& # % +` would cut a name (from source, prisma-engines).
  draft.set(
    "application_name",
    lane.policy.name.text,
    "every connection of this process says the policy's name.",
  );
  if (lane.has("pools-connections")) applyPool(draft, lane);
  else
    draft.drop(
      "pgbouncer",
      "there is no pooler on this lane, and statements may keep their names.",
    );
  return { url: new SecretUrl(draft.text), changes: draft.changes, coverage: "configured" };
}

function applyPool(draft: UrlDraft, lane: LaneInUse): void {
  const { policy, mode } = lane;
  const { connections } = policy;
  if (lane.has("tracks-named-statements") || lane.has("session-state")) {
    draft.drop(
      "pgbouncer",
      "named statements work through this pooler, and the `DEALLOCATE ALL` of that mode breaks those of other clients.",
    );
  } else {
    draft.set("pgbouncer", "true", "this pooler does not track named statements.");
  }
  if (draft.read().parameters.findLast(({ name }) => name === "schema")?.value === "public") {
    draft.drop(
      "schema",
      "`public` is the engine's own default, and naming it sends a `search_path`.",
    );
  }
  refuseStartup(draft.read(), lane, draft.origin);
  draft.setWithin(
    "connection_limit",
    connections.maxPerProcess,
    policy.isEnforced("connections.maxPerProcess"),
    connections.maxPerProcess,
  );
  // The engine counts in seconds and reads 0 as "for ever".
  draft.setWithin(
    "pool_timeout",
    seconds(connections.acquireTimeoutMs),
    policy.isEnforced("connections.acquireTimeoutMs"),
    Infinity,
  );
  if (mode === "bypass") return;
  // In seconds again, and 0 is again "for ever".
  const isKept = lane.reuse === "pool";
  const idle = isKept ? seconds(connections.idleTimeoutMs) : 1;
  draft.setWithin(
    "max_idle_connection_lifetime",
    idle,
    policy.isEnforced(isKept ? "connections.idleTimeoutMs" : "connections.reuse"),
    isKept ? Infinity : idle,
  );
  if (connections.maxLifetimeMs === 0) return;
  // A service that says "for ever" of their age means it; it bars nobody's way.
  draft.setWithin(
    "max_connection_lifetime",
    seconds(connections.maxLifetimeMs),
    policy.isEnforced("connections.maxLifetimeMs"),
    Infinity,
    0,
  );
}

/** Whole seconds, which is what the engine reads. */
function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

/** A URL while a policy is applied to it: a text, and an account of what was changed. */
class UrlDraft {
  text: string;
  readonly origin: string;
  readonly changes: SettingChange[] = [];

  constructor(text: string, origin: string) {
    this.text = text;
    this.origin = origin;
  }

  read(): ConnectionUrl {
    return readConnectionUrl(this.text);
  }

  set(name: string, to: string, why: string): void {
    const before = this.#value(name);
    if (before === to) return;
    this.text = withParameter(this.text, name, to);
    const path = `${this.origin}?${name}`;
    this.changes.push(
      before === undefined
        ? { path, to, why, kind: "set" }
        : { path, from: before, to, why, kind: "overridden" },
    );
  }

  drop(name: string, why: string): void {
    const from = this.#value(name);
    if (from === undefined) return;
    this.text = withoutParameters(this.text, [name]);
    this.changes.push({
      path: `${this.origin}?${name}`,
      from,
      to: undefined,
      why,
      kind: "dropped",
    });
  }

  /** A number that the service may set itself, from `least` to `most`. */
  setWithin(name: string, wanted: number, isEnforced: boolean, most: number, least = 1): void {
    const given = Number(this.#value(name) ?? Number.NaN);
    if (!isEnforced && given >= least && given <= most) return;
    this.set(name, String(wanted), "the policy decides it.");
  }

  #value(name: string): string | undefined {
    return this.read().parameters.findLast((parameter) => parameter.name === name)?.value;
  }
}

/** Two variables that hold the same URL are one lane, and it is the pooled one. */
function refusePooledAsDirect(lane: LaneInUse): void {
  const { pooled, direct } = lane.target.lanes;
  if (!lane.target.capabilities.has("pools-connections") || pooled.url === undefined) return;
  if (direct.url !== undefined && !isDirectPooled(lane.target)) return;
  throw new PolicyError(
    "policy/missing-url",
    direct.url === undefined
      ? `Target \`${lane.target.name}\` has a pooled URL only (${direct.missing}), and Prisma Migrate takes a session lock that the pooler leaves on a stranger's connection.`
      : `The direct URL of target \`${lane.target.name}\` (${direct.from}) leads to the same server as the pooled one, and Prisma Migrate takes a session lock that the pooler leaves on a stranger's connection.`,
    {
      path: `targets.${lane.target.name}.direct`,
      hint: "Set it to the URL of Postgres itself, around the pooler.",
    },
  );
}

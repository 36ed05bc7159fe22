import {
  isDirectPooled,
  type LaneInUse,
  laneInUse,
  type Policy,
  PolicyError,
  type ResolvedPolicy,
} from "@doorpolicy/core";

import {
  isClientClass,
  isPoolClass,
  type PgClient,
  type PgClientConstructor,
  type PgPoolConstructor,
} from "../driver/pg-internals.ts";
import { guardedOrigin, guardPg, type PgModule } from "../guard-pg.ts";
import { resolveForProcess } from "../process-context.ts";
import { placeText } from "./place.ts";

/**
 * What says which policy holds: the policy itself, or a `pg` that `guardPg` has made, of any lane. With a
 * policy alone the `pg` of the application is used, of an adapter its ORM's.
 */
export type DirectSource = Policy | ResolvedPolicy | PgModule;

/** Which server, for what needs a session of its own. */
export interface DirectChoice {
  /** @default the only target of the policy, else `main` */
  readonly target?: string;
  /**
   * What else `pg` is to be told about the connection: `ssl`; another `connectionString`; with a
   * `password` function `host`, `port`, `database` and `user` beside it. Kept within the policy as the options of a pool are.
   *
   * @default nothing: the URL of the direct lane says it all
   */
  readonly connection?: Readonly<Record<string, unknown>>;
}

/** Loads the `pg` of the application or of its ORM. */
export type PgLoader = () => PgModule | Promise<PgModule>;

/** A lane on which a session is one's own from its login to its end. */
export interface DirectLane {
  readonly lane: LaneInUse;
  /** The database behind it, as {@link placeText} writes it: of two lanes with one place a lock is the same. */
  readonly place: string;
  /** A client that is not connected. It stands in no pool, and beside `maxPerProcess`. */
  makeClient(): PgClient;
  /** The pool for locks: one for each lane and `connection`. */
  pool(): InstanceType<PgPoolConstructor>;
}

/**
 * The lane where a session lock or a `LISTEN` stays with whoever asked for it: the direct one, or the
 * pooled one where nothing pools behind it, or where its pooler keeps a server connection for each client.
 *
 * @param purpose What would happen through the pooler, as the first part of a message.
 * @throws PolicyError `policy/missing-url` where there is no such lane, or the direct URL leads to the
 * pooler; `direct/invalid` for a `pg` that is not guarded; those of `guardPg`.
 */
export async function directLane(
  source: DirectSource,
  { target, connection }: DirectChoice,
  loadPg: PgLoader,
  purpose: string,
): Promise<DirectLane> {
  const { policy, module } = originOf(source);
  const lane = sessionLane(policy, target, connection, purpose);
  const pg = module ?? (await loadPg());
  return madeFor(pg, lane, connection ?? NOTHING_ELSE);
}

const NOTHING_ELSE: Readonly<Record<string, unknown>> = Object.freeze({});

function originOf(source: unknown): { policy: ResolvedPolicy; module?: PgModule } {
  if (isModule(source)) {
    const origin = guardedOrigin(source);
    if (origin !== undefined) return origin;
    throw new PolicyError(
      "direct/invalid",
      "This `pg` is not guarded, so that nobody knows which policy holds for it.",
      { hint: "Pass the policy, or what `guardPg` gives." },
    );
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- anything else is refused there, in the policy's words.
  return { policy: resolveForProcess(source as Policy) };
}

function isModule(source: unknown): source is PgModule {
  return typeof source === "object" && source !== null && "Client" in source && "Pool" in source;
}

function sessionLane(
  policy: ResolvedPolicy,
  target: string | undefined,
  connection: DirectChoice["connection"],
  purpose: string,
): LaneInUse {
  requirePlace(connection);
  const choice = target === undefined ? {} : { target };
  const direct = laneInUse(policy, { ...choice, lane: "direct" });
  // A key that is there and undefined is one that was left out.
  if (connection?.["connectionString"] !== undefined || connection?.["host"] !== undefined) {
    return direct;
  }
  const pooled = laneInUse(policy, { ...choice, lane: "pooled" });
  const { lanes, name } = direct.target;
  if (lanes.direct.url === undefined) {
    if (pooled.has("session-state")) return pooled;
    throw refusal(name, `${purpose}, and the target has no other lane: ${lanes.direct.missing}.`);
  }
  if (isDirectPooled(direct.target, process.env)) {
    throw refusal(
      name,
      `${purpose}, and the direct URL of the target (${lanes.direct.from}) leads to the same server as the pooled one.`,
    );
  }
  return direct;
}

/** pg takes who connects and nothing else for a connection to `localhost`. */
function requirePlace(connection: DirectChoice["connection"]): void {
  const says = (key: string): boolean => connection?.[key] !== undefined;
  if (says("connectionString") || says("host") || process.env["PGHOST"]) return;
  const key = ["user", "password", "database", "port"].find(says);
  if (key === undefined) return;
  throw new PolicyError("direct/invalid", `\`connection.${key}\` stands there without a host.`, {
    path: `connection.${key}`,
    hint: "Pass `host`, `port`, `database`, `user` and `password` together, or a `connectionString`.",
  });
}

function refusal(target: string, message: string): PolicyError {
  return new PolicyError("policy/missing-url", message, {
    path: `targets.${target}.direct`,
    hint: `Set \`targets.${target}.direct\` to the URL of Postgres itself, around the pooler.`,
  });
}

/** By the `pg` and the policy that they were made of; a policy that is resolved anew is another one. */
const made = new WeakMap<object, WeakMap<ResolvedPolicy, Map<string, Guarded>>>();

interface Guarded {
  readonly Client: PgClientConstructor;
  readonly Pool: PgPoolConstructor;
  readonly pools: WeakMap<object, InstanceType<PgPoolConstructor>>;
}

function madeFor(
  pg: PgModule,
  lane: LaneInUse,
  connection: Readonly<Record<string, unknown>>,
): DirectLane {
  const guarded = guardedFor(pg, lane);
  return {
    lane,
    place: placeText(lane, connection),
    makeClient: () =>
      new guarded.Client({
        connectionTimeoutMillis: lane.policy.connections.acquireTimeoutMs,
        ...connection,
      }),
    pool: () => {
      const known = guarded.pools.get(connection);
      if (known !== undefined && !known.ending) return known;
      const pool = new guarded.Pool({ ...connection });
      guarded.pools.set(connection, pool);
      return pool;
    },
  };
}

function guardedFor(pg: PgModule, lane: LaneInUse): Guarded {
  const byPolicy = made.get(pg) ?? new WeakMap<ResolvedPolicy, Map<string, Guarded>>();
  made.set(pg, byPolicy);
  const byLane = byPolicy.get(lane.policy) ?? new Map<string, Guarded>();
  byPolicy.set(lane.policy, byLane);
  const key = `${lane.target.name}/${lane.lane}`;
  let guarded = byLane.get(key);
  if (guarded === undefined) {
    const choice = { target: lane.target.name, lane: lane.lane };
    const { Client, Pool } = guardPg(pg, lane.policy, choice);
    if (!isClientClass(Client) || !isPoolClass(Pool)) {
      throw new PolicyError("driver/unsupported", "This `pg` has no `Client` and no `Pool`.", {
        hint: "Pass a `pg` of node-postgres.",
      });
    }
    byLane.set(key, (guarded = { Client, Pool, pools: new WeakMap() }));
  }
  return guarded;
}

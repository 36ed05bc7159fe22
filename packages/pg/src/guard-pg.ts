import {
  type LaneChoice,
  type LaneInUse,
  laneInUse,
  type Policy,
  PolicyError,
  type ResolvedPolicy,
} from "@doorpolicy/core";

import { Guard } from "./guard.ts";
import { guardClientClass } from "./guarded-client.ts";
import { guardPoolClass } from "./pool/guarded-pool.ts";
import { verifiedPg } from "./driver/pg-verify.ts";
import { resolveForProcess } from "./process-context.ts";
import { unguarded } from "./unguarded.ts";

/** What `guardPg` reads of a pg module. */
export interface PgModule {
  readonly Client: unknown;
  readonly Pool: unknown;
}

/** A pg module whose connections keep a policy. `native` is off: no guard can see into it. */
export type GuardedPg<Module> = Omit<Module, "native"> & { readonly native: undefined };

/** What an adapter knows of the pools that its ORM makes. A service that uses `pg` itself needs none of it. */
export interface GuardPgOptions {
  /**
   * Tells pools of replicas from those of the primary, by what was given to `new Pool()`. In a
   * `transaction()` a pool of a replica uses the transaction's connection, which is one to the primary;
   * in a `unitOfWork()` it has one of its own.
   *
   * @default no pool is a replica's
   */
  readonly isReplica?: (poolOptions: Readonly<Record<string, unknown>>) => boolean;
  /**
   * Keeps the `error` event of a connection from whoever holds it: the loss is told by the holder's next
   * statement, with the reason. For an ORM that gives its connection up when it hears the event, and
   * then tells the application nothing but that (TypeORM: "Query runner already released"). Not in
   * bypass.
   *
   * @default false
   */
  readonly hidesLoss?: boolean;
}

interface Origin {
  readonly module: PgModule;
  readonly policy: ResolvedPolicy;
  readonly target: string;
  readonly lane: string;
  readonly isReplica: GuardPgOptions["isReplica"];
  readonly hidesLoss: boolean;
}

/** On the guarded classes, where it survives a spread, and readable by every copy of this package. */
const ORIGIN = Symbol.for("doorpolicy/guarded-pg");

/**
 * A pg module whose every connection keeps the policy: `{ ...pg, Client, Pool, native: undefined }`,
 * with subclasses, so that `instanceof pg.Pool` still holds. Nothing is patched: the module that was
 * given stays as it is. Takes what `require("pg")` gives, the default import and the namespace.
 *
 * Guarding a guarded module with the same policy, target, lane and options returns it unchanged; with another
 * it guards the module underneath.
 *
 * Throws `PolicyError`: `driver/missing` when no module is given, `driver/native` for the native
 * binding, `driver/unsupported` for a pg that is not as the tested ones, and those of
 * `resolvePolicy`. In bypass the two in the middle are a warning instead, said once: the module is given
 * back with pools that only bear the policy's name, cap and acquire limit, and `isGuardedPg` is false.
 */
export function guardPg<Module extends PgModule>(
  pg: Module | null | undefined,
  policy: Policy | ResolvedPolicy,
  choice?: LaneChoice,
  { isReplica, hidesLoss = false }: GuardPgOptions = {},
): GuardedPg<Module> {
  if (pg === undefined || pg === null) {
    throw new PolicyError("driver/missing", "pg is not installed.", {
      hint: "Run `npm install pg`.",
    });
  }
  // As resolved: the same policy object means something else once its variables have changed.
  const resolved = resolveForProcess(policy);
  const lane = laneInUse(resolved, choice);
  const { target } = lane;
  const wanted = {
    policy: resolved,
    target: target.name,
    lane: lane.lane,
    isReplica,
    hidesLoss,
  };
  const origin = originOf(pg);
  if (origin !== undefined && isSame(origin, wanted)) return typed(pg);

  const module = origin?.module ?? pg;
  const verified = verifiedOrUnguarded(module, lane);
  if (verified instanceof PolicyError) {
    return typed({ ...keysOf(module), ...unguarded(module, lane, verified), native: undefined });
  }
  const { Client: PlainClient, Pool: PlainPool } = verified;
  const guard = new Guard(lane, { isReplica, hidesLoss });
  const Client = guardClientClass(PlainClient, guard);
  const Pool = guardPoolClass(PlainPool, Client, guard);
  const guarded: Record<string, unknown> = { ...keysOf(module), Client, Pool, native: undefined };
  // The namespace of an ES module brings the unguarded one along as its default.
  if ("default" in guarded) guarded["default"] = guarded;
  const mark: Origin = { ...wanted, module };
  // A function: printed with its hidden properties, a class shows no URL of the policy.
  const tell = (): Origin => mark;
  for (const one of [Client, Pool]) Object.defineProperty(one, ORIGIN, { value: tell });
  return typed(guarded);
}

/** In bypass what is wrong with the module is handed on and not thrown. */
function verifiedOrUnguarded(
  module: PgModule,
  { mode }: LaneInUse,
): ReturnType<typeof verifiedPg> | PolicyError {
  try {
    return verifiedPg(module);
  } catch (error) {
    if (mode === "bypass" && error instanceof PolicyError) return error;
    throw error;
  }
}

/** True for a module that {@link guardPg} of any copy of this package has made. */
export function isGuardedPg(pg: unknown): boolean {
  return isPgModule(pg) && originOf(pg) !== undefined;
}

/** The policy and the `pg` underneath of a module that {@link guardPg} has made; `undefined` for another. */
export function guardedOrigin(
  pg: PgModule,
): { readonly policy: ResolvedPolicy; readonly module: PgModule } | undefined {
  return originOf(pg);
}

function isPgModule(pg: unknown): pg is PgModule {
  return typeof pg === "object" && pg !== null && "Client" in pg && "Pool" in pg;
}

/** Only where both classes are guarded: somebody may have put a Pool of their own beside our Client. */
function originOf({ Client, Pool }: PgModule): Origin | undefined {
  if (typeof Client !== "function" || typeof Pool !== "function") return undefined;
  const tell: unknown = Reflect.get(Client, ORIGIN);
  if (typeof tell !== "function" || tell !== Reflect.get(Pool, ORIGIN)) return undefined;
  const origin: unknown = tell();
  return isOrigin(origin) ? origin : undefined;
}

function isOrigin(value: unknown): value is Origin {
  return typeof value === "object" && value !== null && "module" in value && "policy" in value;
}

/** Own and inherited keys alike: some hand over `Object.create(pg)`. pg's `native` is a getter that loads the binding. */
function keysOf(module: object): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  // oxlint-disable-next-line guard-for-in -- inherited keys are wanted.
  for (const key in module) if (key !== "native") values[key] = Reflect.get(module, key);
  return values;
}

function isSame(one: Omit<Origin, "module">, other: Omit<Origin, "module">): boolean {
  return (
    one.policy === other.policy &&
    one.target === other.target &&
    one.lane === other.lane &&
    one.isReplica === other.isReplica &&
    one.hidesLoss === other.hidesLoss
  );
}

function typed<Module>(guarded: object): GuardedPg<Module> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- subclasses have the types of their classes.
  return guarded as GuardedPg<Module>;
}

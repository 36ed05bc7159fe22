import { PolicyError } from "@doorpolicy/core";
import { loadPeer, peerAnchors } from "@doorpolicy/pg";

import type { SqlDriverAdapter, SqlDriverAdapterFactory } from "./driver-adapter.ts";

/** The class `PrismaPg` of any version of `@prisma/adapter-pg`. */
export type PrismaPgConstructor = new (...args: never[]) => SqlDriverAdapterFactory;

/** What an adapter that is connected says of the pool that it uses; from 6.13 on. */
export interface PrismaPgAdapter extends SqlDriverAdapter {
  underlyingDriver(): object;
}

/** What somebody gave to `new PrismaPg(…)`. */
export interface PrismaPgInput {
  readonly PrismaPg: PrismaPgConstructor;
  /** The pool config; of a pool its options. */
  readonly config: object;
  /** True where it was a pool; a guarded one takes its place. */
  readonly isPool: boolean;
  readonly adapterOptions: object;
}

/** The fields of a `PrismaPg` that this package reads; private, the same in 6.13 to 7.10. */
interface PrismaPgFields {
  readonly config?: unknown;
  readonly externalPool?: unknown;
  readonly options?: unknown;
}

const HINT = "Pass `new PrismaPg(…)` of @prisma/adapter-pg 6.16 to 7, or leave `adapter` out.";

/**
 * Reads a `PrismaPg` that somebody made. Throws `PolicyError` `driver/unsupported` for any other
 * adapter, and `driver/second-copy` where it was given a pool of another copy of `pg`: it takes
 * such a pool for a config, and would connect to `localhost` without a word.
 */
export function readPrismaPg(factory: object): PrismaPgInput {
  const { config, externalPool, options } = factory as PrismaPgFields;
  if (typeof config !== "object" || config === null || typeof factory.constructor !== "function") {
    throw new PolicyError("driver/unsupported", "`adapter` is no PrismaPg, so no guard can get below it.", {
      path: "adapter",
      hint: HINT,
    });
  }
  const isPool = typeof externalPool === "object" && externalPool !== null;
  if (!isPool && "totalCount" in config && "options" in config) throw secondCopy("adapter");
  return {
    PrismaPg: factory.constructor as PrismaPgConstructor,
    config,
    isPool,
    adapterOptions: typeof options === "object" && options !== null ? options : {},
  };
}

/** `PrismaPg` of the application's own `@prisma/adapter-pg`; `PolicyError` `driver/missing` without one. */
export function applicationPrismaPg(
  anchors: readonly string[] = peerAnchors(import.meta.url),
): PrismaPgConstructor {
  const module = loadPeer("@prisma/adapter-pg", anchors);
  const { PrismaPg } = module as { PrismaPg?: unknown };
  if (typeof PrismaPg === "function") return PrismaPg as PrismaPgConstructor;
  throw new PolicyError("driver/unsupported", "@prisma/adapter-pg exports no PrismaPg.", { hint: HINT });
}

/** Connects a `PrismaPg`, which opens no socket: pg's pool does that at its first statement. */
export async function connectPrismaPg(
  PrismaPg: PrismaPgConstructor,
  poolOrConfig: object,
  adapterOptions: object,
): Promise<PrismaPgAdapter> {
  const Constructor = PrismaPg as new (...args: readonly object[]) => SqlDriverAdapterFactory;
  const adapter = await new Constructor(poolOrConfig, adapterOptions).connect();
  if ("underlyingDriver" in adapter && typeof adapter.underlyingDriver === "function") {
    return adapter as PrismaPgAdapter;
  }
  throw new PolicyError(
    "driver/unsupported",
    "This @prisma/adapter-pg does not say which pool it uses, so nobody can tell whether it is the guarded one.",
    { path: "adapter", hint: "Use @prisma/adapter-pg 6.16 or later." },
  );
}

/** The part of pg that an adapter uses: the classes of its own copy. */
export interface AdapterPg {
  readonly Pool: new (config: object) => object;
  readonly Client: unknown;
}

/**
 * The `pg` that an adapter itself has loaded, which `require("pg")` may not be: another copy's pool
 * fails its `instanceof`. Also found in a bundled application.
 */
export async function pgOf(PrismaPg: PrismaPgConstructor): Promise<AdapterPg> {
  const adapter = await connectPrismaPg(PrismaPg, {}, {});
  const pool = adapter.underlyingDriver();
  await adapter.dispose();
  return {
    Pool: pool.constructor as AdapterPg["Pool"],
    Client: (pool as { readonly Client?: unknown }).Client,
  };
}

/** The adapter and the guard have met two different copies of `pg`. */
export function secondCopy(path: string): PolicyError {
  return new PolicyError(
    "driver/second-copy",
    "The pool given to PrismaPg is of another copy of `pg` than PrismaPg's own, which takes it for settings and connects without the policy.",
    { path, hint: "Pass the pool's config to `new PrismaPg(…)` instead of the pool, or install one copy of `pg`." },
  );
}

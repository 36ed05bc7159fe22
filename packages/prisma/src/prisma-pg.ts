import { PolicyError } from "@doorpolicy/core";
import { loadPeer, peerAnchors, type PgModule } from "@doorpolicy/pg";

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

const HINT = "Pass `new PrismaPg(…)` of @prisma/adapter-pg 6.16 to 7, or leave `adapter` out.";

/**
 * Reads a `PrismaPg` that somebody made. Throws `PolicyError` `driver/unsupported` for any other
 * adapter, and `driver/second-copy` where it was given a pool of another copy of `pg`: it takes
 * such a pool for a config, and would connect to `localhost` without a word.
 */
export function readPrismaPg(factory: object): PrismaPgInput {
  // Private fields, the same in 6.13 to 7.10, and held by tests on both ends.
  const [config, externalPool, options] = ["config", "externalPool", "options"].map(
    (key): unknown => Reflect.get(factory, key),
  );
  const PrismaPg: unknown = factory.constructor;
  if (!isObject(config) || !isPrismaPg(PrismaPg)) {
    throw new PolicyError(
      "driver/unsupported",
      "`adapter` is no PrismaPg, so no guard can get below it.",
      {
        path: "adapter",
        hint: HINT,
      },
    );
  }
  const isPool = isObject(externalPool);
  if (!isPool && "totalCount" in config && "options" in config) throw secondCopy("adapter");
  return {
    PrismaPg,
    config,
    isPool,
    adapterOptions: isObject(options) ? options : {},
  };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isPrismaPg(value: unknown): value is PrismaPgConstructor {
  return typeof value === "function" && value !== Object;
}

/** `PrismaPg` of the application's own `@prisma/adapter-pg`; `PolicyError` `driver/missing` without one. */
export function applicationPrismaPg(
  anchors: readonly string[] = peerAnchors(import.meta.url),
): PrismaPgConstructor {
  const module = loadPeer("@prisma/adapter-pg", "PrismaPg", anchors);
  const PrismaPg: unknown = isObject(module) ? Reflect.get(module, "PrismaPg") : undefined;
  if (isPrismaPg(PrismaPg)) return PrismaPg;
  throw new PolicyError("driver/unsupported", "@prisma/adapter-pg exports no PrismaPg.", {
    hint: HINT,
  });
}

/** Connects a `PrismaPg`, which opens no socket: pg's pool does that at its first statement. */
export async function connectPrismaPg(
  PrismaPg: PrismaPgConstructor,
  poolOrConfig: object,
  adapterOptions: object,
): Promise<PrismaPgAdapter> {
  const made: SqlDriverAdapterFactory = Reflect.construct(PrismaPg, [poolOrConfig, adapterOptions]);
  const adapter = await made.connect();
  if (saysItsPool(adapter)) return adapter;
  throw new PolicyError(
    "driver/unsupported",
    "This @prisma/adapter-pg does not say which pool it uses, so nobody can tell whether it is the guarded one.",
    { path: "adapter", hint: "Use @prisma/adapter-pg 6.16 or later." },
  );
}

function saysItsPool(adapter: SqlDriverAdapter): adapter is PrismaPgAdapter {
  return "underlyingDriver" in adapter && typeof adapter.underlyingDriver === "function";
}

/**
 * The `pg` that an adapter itself has loaded, which `require("pg")` may not be: another copy's pool
 * fails its `instanceof`. Also found in a bundled application.
 */
export async function pgOf(PrismaPg: PrismaPgConstructor): Promise<PgModule> {
  const adapter = await connectPrismaPg(PrismaPg, {}, {});
  const pool = adapter.underlyingDriver();
  await adapter.dispose();
  return { Pool: pool.constructor, Client: Reflect.get(pool, "Client") };
}

/** The adapter and the guard have met two different copies of `pg`. */
export function secondCopy(path: string): PolicyError {
  return new PolicyError(
    "driver/second-copy",
    "The pool given to PrismaPg is of another copy of `pg` than PrismaPg's own, which takes it for settings and connects without the policy.",
    {
      path,
      hint: "Pass the pool's config to `new PrismaPg(…)` instead of the pool, or install one copy of `pg`.",
    },
  );
}

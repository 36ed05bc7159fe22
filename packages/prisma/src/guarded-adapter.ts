import { type LaneChoice, PolicyError, type ResolvedPolicy } from "@doorpolicy/core";
import { guardPg, type PgModule } from "@doorpolicy/pg";

import type { SqlDriverAdapter, SqlDriverAdapterFactory } from "./driver-adapter.ts";
import { keepingErrors } from "./keeping-errors.ts";
import { PLAN } from "./plan-mark.ts";
import { connectPrismaPg, pgOf, type PrismaPgConstructor, secondCopy } from "./prisma-pg.ts";
import { refusingStrangers } from "./units.ts";

/** Everything that a guarded adapter is made of. Holds secrets: kept where `util.inspect` does not look. */
export interface AdapterPlan {
  readonly PrismaPg: PrismaPgConstructor;
  /** The pool config under the policy. */
  readonly config: object;
  readonly adapterOptions: object;
  readonly policy: ResolvedPolicy;
  readonly choice: LaneChoice;
}

/** A plan, and what was made of it. */
export interface MadeAdapter extends AdapterPlan {
  readonly adapter: SqlDriverAdapterFactory;
}

/** The plan of an adapter that {@link guardedAdapter} made; `undefined` for any other. */
export function planOf(adapter: object): MadeAdapter | undefined {
  const plan: unknown = Reflect.get(adapter, PLAN);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only guardedAdapter sets it.
  return typeof plan === "function" ? (plan as () => MadeAdapter)() : undefined;
}

/**
 * A driver adapter for `new PrismaClient({ adapter })` whose pool is guarded.
 *
 * Each `connect()` makes a pool of its own from the adapter's own `pg`, and `dispose()`, which
 * `$disconnect()` calls, ends it: all of its sockets are closed then, and a later `$connect()` starts
 * with a fresh one.
 */
export function guardedAdapter(plan: AdapterPlan): SqlDriverAdapterFactory {
  const adapter = new GuardedAdapterFactory(plan);
  Object.defineProperty(adapter, PLAN, { value: (): MadeAdapter => ({ ...plan, adapter }) });
  return adapter;
}

class GuardedAdapterFactory implements SqlDriverAdapterFactory {
  readonly provider = "postgres";
  readonly adapterName: string = "@prisma/adapter-pg";
  readonly #plan: AdapterPlan;
  #pg: Promise<PgModule> | undefined;

  constructor(plan: AdapterPlan) {
    this.#plan = plan;
  }

  async connect(): Promise<SqlDriverAdapter> {
    const { PrismaPg, config, adapterOptions } = this.#plan;
    const pool = openPool(await this.#guardedPg(), config);
    const adapter = await connectPrismaPg(PrismaPg, pool, adapterOptions);
    if (adapter.underlyingDriver() !== pool) {
      await pool.end();
      throw secondCopy("PrismaPg");
    }
    return keepingErrors(refusingStrangers(endingWith(adapter, pool)));
  }

  /** Made once. A failure is not kept: `$connect()` may be called again. */
  async #guardedPg(): Promise<PgModule> {
    const { PrismaPg, policy, choice } = this.#plan;
    try {
      return await (this.#pg ??= pgOf(PrismaPg).then((pg) => guardPg(pg, policy, choice)));
    } catch (error) {
      this.#pg = undefined;
      throw error;
    }
  }

  /**
   * Prisma Migrate's shadow database. PrismaPg's own method connects to the *main* database when it
   * was given a URL (measured on 7.10.0), and creates databases through the pooler either way.
   */
  async connectToShadowDb(): Promise<never> {
    throw new PolicyError(
      "options/refused",
      "Prisma Migrate would create its shadow database through this adapter.",
      {
        path: "adapter",
        hint: 'Give Prisma Migrate a URL: `datasourceUrl(policy, { lane: "direct" })` in prisma.config.ts.',
      },
    );
  }
}

interface GuardedPool {
  end(): Promise<void>;
}

function openPool({ Pool }: PgModule, config: object): GuardedPool {
  if (typeof Pool !== "function") throw new TypeError("guardPg gives a Pool.");
  const pool: GuardedPool = Reflect.construct(Pool, [config]);
  return pool;
}

/** The adapter leaves a pool alone that was given to it; this one was made for it and ends with it. */
function endingWith(adapter: SqlDriverAdapter, pool: GuardedPool): SqlDriverAdapter {
  const dispose = adapter.dispose.bind(adapter);
  let ended: Promise<void> | undefined;
  adapter.dispose = (): Promise<void> => (ended ??= dispose().then(() => pool.end()));
  return adapter;
}

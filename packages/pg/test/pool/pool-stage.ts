import type { LaneChoice, Policy, ResolvedConnections, Violation } from "@doorpolicy/core";
import type { GuardedPg } from "@doorpolicy/pg";
import type { LogMark } from "@doorpolicy/testbed";
import type { Pool, PoolClient, PoolConfig } from "pg";

import { gateOf } from "../../src/pool/gate.ts";
import type { PoolCounters } from "../../src/pool/pool-counters.ts";
import { eventually, type Pg, requirePg, startWorld, type World } from "../world.ts";
import { startWire, type Wire } from "./wire.ts";

/** A pool of a test as it is: with the counters that pg's types do not know. */
export type CountedPool = Pool & { readonly counters: PoolCounters };

/** What a service may give to a pool, with what pg's types do not know. */
export type ServiceConfig = PoolConfig & {
  readonly onConnect?: (client: PoolClient) => Promise<void>;
  readonly verify?: (client: PoolClient, done: (error?: Error) => void) => void;
};

/** A guarded module, and pools of it that are ended with the test. */
export interface PoolActor {
  readonly pg: GuardedPg<Pg>;
  readonly seen: Violation[];
  readonly pool: (config?: ServiceConfig) => CountedPool;
}

/** What the pooler itself wrote down of its clients. */
interface Logins {
  readonly opened: number;
  readonly closed: number;
  /** As the pooler saw it: those included that were being logged in or closed. */
  readonly mostAtOnce: number;
}

/** Servers, and pools that are asked about at the pooler. */
export interface PoolStage extends AsyncDisposable {
  readonly world: World;
  readonly wire: Wire;
  readonly actor: (connections?: Partial<ResolvedConnections>, more?: ActorOptions) => PoolActor;
  /** How many clients the pooler has, that are no console. */
  clients(): Promise<number>;
  /** Waits until the pooler has so many. */
  untilClients(count: number): Promise<void>;
  logins(since: LogMark): Logins;
  /** A pool that was made elsewhere is ended with the test as well. */
  owned(pool: CountedPool): CountedPool;
  /** The test has ended it, and nobody is to keep it. */
  forget(pool: CountedPool): void;
  /** Ends the pools of the test, whatever it has left. Fails where one has taken a place for good. */
  clear(): Promise<void>;
}

interface ActorOptions {
  readonly policy?: Policy;
  readonly module?: string | Pg;
  readonly choice?: LaneChoice;
}

export async function startPoolStage(): Promise<PoolStage> {
  const world = await startWorld();
  const wire = await startWire(world.bed.urls.pooled);
  const pools: Pool[] = [];
  const clients = async (): Promise<number> => (await world.clients()).length;
  return {
    world,
    wire,
    actor(connections = {}, { policy = {}, module = "pg", choice } = {}) {
      const base = typeof module === "string" ? requirePg(module) : module;
      const { pg, seen } = world.guard({ ...policy, connections }, base, choice);
      const url = world.bed.urls[choice?.lane === "direct" ? "direct" : "pooled"];
      const pool = (config: ServiceConfig = {}): CountedPool => {
        const made = new pg.Pool({ connectionString: url, ...config });
        pools.push(made);
        return counted(made);
      };
      return { pg, seen, pool };
    },
    clients,
    untilClients: (count) =>
      eventually(async () => {
        const now = await clients();
        if (now !== count) throw new Error(`The pooler has ${now} clients, and not ${count}.`);
      }),
    logins: (since) => loginsIn(world.bed.logs.since(since, "pooler")),
    owned(pool) {
      pools.push(pool);
      return pool;
    },
    forget(pool) {
      pools.splice(pools.indexOf(pool), 1);
    },
    async clear() {
      wire.letGo();
      await Promise.all(pools.splice(0).map((pool) => endNow(pool)));
      requireFreeGates();
    },
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** Fails where sockets are open still, or were never given back to their gate. */
export function requireFreeGates(): void {
  for (const lane of ["pooled", "direct", "replica"]) {
    const { open } = gateOf("main", lane);
    if (open !== 0) throw new Error(`${open} places at the gate of the ${lane} lane are taken.`);
  }
}

/** A pool of a guarded module has counters; this says so, or fails. */
export function counted(pool: Pool): CountedPool {
  if (!isCounted(pool)) throw new Error("The pool has no counters.");
  return pool;
}

function isCounted(pool: Pool): pool is CountedPool {
  return "counters" in pool;
}

async function endNow(pool: Pool): Promise<void> {
  if (!pool.ending && "endNow" in pool && typeof pool.endNow === "function") await pool.endNow();
}

/** All but the console. A login to a database that does not exist has neither name yet. */
const LOGIN = /^.* LOG (C-\w+): (?!pgbouncer)\S+@\S+ (login attempt|closing because)/gm;

function loginsIn(log: string): Logins {
  const open = new Set<string>();
  let opened = 0;
  let closed = 0;
  let mostAtOnce = 0;
  for (const [, name = "", what] of log.matchAll(LOGIN)) {
    if (what === "login attempt") {
      opened += 1;
      open.add(name);
    } else {
      closed += 1;
      open.delete(name);
    }
    mostAtOnce = Math.max(mostAtOnce, open.size);
  }
  return { opened, closed, mostAtOnce };
}

import type { LaneChoice, Policy, Violation } from "@doorpolicy/core";
import type { GuardedPg } from "@doorpolicy/pg";
import { type FaultProxy, startFaultProxy } from "@doorpolicy/testbed";
import type { Pool, PoolConfig } from "pg";

import { type Pg, startWorld, type World } from "../world.ts";

/** A pooler whose version takes a CancelRequest without harm. */
export const SAFE: Policy = {
  targets: { main: { pooler: { kind: "pgbouncer", version: "1.24" } } },
};

/** A pool of a test, and what its policy reports. */
export interface Actor extends AsyncDisposable {
  readonly pg: GuardedPg<Pg>;
  readonly pool: Pool;
  readonly seen: Violation[];
  /** Ids of the rules that were reported, in order. */
  rules(): string[];
}

/** Servers with a table `t (id, who)`, and a wire that shows and breaks what goes over it. */
export interface Stage extends AsyncDisposable {
  readonly world: World;
  readonly wire: FaultProxy;
  actor(policy?: Policy, config?: PoolConfig, module?: Pg, choice?: LaneChoice): Actor;
  /** Ids that are stored, as Postgres itself says. */
  stored(): Promise<number[]>;
  /** Statements that went over the wire since the last call: those of one batch joined by ` · `. */
  sent(): string[];
}

export async function startStage(): Promise<Stage> {
  const world = await startWorld();
  const wire = await startFaultProxy({ target: world.bed.urls.pooled });
  await world.bed.sql(
    "create table t (id int primary key, who text); grant all on t to public",
    "app",
  );
  return {
    world,
    wire,
    actor(policy: Policy = {}, config: PoolConfig = {}, module?: Pg, choice: LaneChoice = {}) {
      const { pg, seen } = world.guard({ ...SAFE, ...policy }, module, choice);
      const connectionString = wire.url(world.bed.urls.pooled);
      const pool = new pg.Pool({ connectionString, ...config });
      return {
        pg,
        pool,
        seen,
        rules: () => seen.map(({ rule }) => rule),
        [Symbol.asyncDispose]: () => (pool.ending ? Promise.resolve() : pool.end()),
      };
    },
    async stored() {
      const rows = await world.bed.sql("select id from t order by id", "app");
      return rows.map(({ id }) => Number(id));
    },
    sent() {
      const batches = batchesOf(wire);
      wire.clear();
      return batches;
    },
    async [Symbol.asyncDispose]() {
      await wire.stop();
      await world[Symbol.asyncDispose]();
    },
  };
}

function batchesOf(wire: FaultProxy): string[] {
  const batches: string[] = [];
  const open = new Map<number, string[]>();
  for (const { direction, message, sql, connection } of wire.seen) {
    if (direction !== "client") continue;
    const texts = open.get(connection) ?? [];
    if (message === "Query") batches.push(sql ?? "");
    else if (message === "Parse") open.set(connection, [...texts, sql ?? ""]);
    else if (message === "Sync" && texts.length > 0) {
      batches.push(texts.join(" · "));
      open.delete(connection);
    }
  }
  return batches;
}

/** Empties the table, so that each test counts its own rows. */
export async function clear(stage: Stage): Promise<void> {
  await stage.world.bed.sql("truncate t", "app");
  stage.sent();
}

/** A promise, and how to settle it: whose turn it is in a story. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  // oxlint-disable-next-line unicorn/consistent-function-scoping -- assigned below, before anybody has it.
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

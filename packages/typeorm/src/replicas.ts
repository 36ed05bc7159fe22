import type { GuardPgOptions } from "@doorpolicy/pg";

import { poolConfigOf, type PostgresOptions } from "./options.ts";

type IsReplica = NonNullable<GuardPgOptions["isReplica"]>;

interface Known {
  readonly servers: string;
  readonly isReplica: IsReplica;
}

/** By the options that it was made for: wrapping options twice gives the same driver. */
const known = new WeakMap<object, Known>();

/**
 * Knows the pools that TypeORM makes for `replication.slaves` by where they connect; `undefined`
 * without replication. A replica under the very address of the primary is the primary: many services
 * have both in their configuration and one server.
 */
export function replicaTest(options: PostgresOptions): IsReplica | undefined {
  const { replication } = options;
  if (replication === undefined) return undefined;
  const { master, slaves } = replication;
  const primary = serverOf(poolConfigOf(options, master));
  const replicas = slaves
    .map((slave) => serverOf(poolConfigOf(options, slave)))
    .filter((server) => server !== primary);
  if (replicas.length === 0) return undefined;
  const servers = JSON.stringify(replicas);
  const before = known.get(replication);
  if (before?.servers === servers) return before.isReplica;
  const set = new Set(replicas);
  const isReplica: IsReplica = (poolOptions) => set.has(serverOf(poolOptions));
  known.set(replication, { servers, isReplica });
  return isReplica;
}

/** Where a pool connects, and as whom; as text, because TypeORM hands it over as it was written. */
function serverOf(config: Readonly<Record<string, unknown>>): string {
  // pg lets a URL beat everything that stands beside it.
  if (config["connectionString"]) return JSON.stringify([config["connectionString"]]);
  return JSON.stringify(
    ["host", "port", "user", "database"].map((key) => {
      const value = config[key];
      return typeof value === "number" ? String(value) : value;
    }),
  );
}

import type * as Pg from "pg";
import { type ConnectionPolicy, definePolicy, type Policy } from "@doorpolicy/core";
import { guardPg } from "@doorpolicy/pg";
import { POOL_SIZE } from "../servers/servers.ts";
import { ownPg } from "./pg-copy.ts";

let targets = 0;

/**
 * The policy that the README recommends, with a target of its own: variants that shared one would
 * share its gate.
 *
 * Where connects are measured, callers set `lingerMs: 0`: otherwise the next statement of a lone
 * caller finds the connection of the one before, and nothing would be connected.
 */
export function benchPolicy(connections: ConnectionPolicy = {}): Policy {
  targets += 1;
  return definePolicy({
    mode: "enforce",
    targets: { [`bench${targets}`]: { pooler: { kind: "pgbouncer", version: "1.24" } } },
    naming: { app: "bench" },
    connections: { maxPerProcess: POOL_SIZE, acquireTimeoutMs: 20_000, ...connections },
  });
}

/** A guarded copy of node-postgres. */
export function guardedPg(connections?: ConnectionPolicy): Pick<typeof Pg, "Client" | "Pool"> {
  return guardPg(ownPg(), benchPolicy(connections));
}

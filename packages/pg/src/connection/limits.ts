import type { LaneInUse } from "@doorpolicy/core";

import type { HandedLimits } from "../config/index.ts";

/** Limits of the blocks of one connection, in milliseconds; 0 means none. */
export interface BlockLimits {
  /** The guard ends a block in which no statement ran for this long. */
  readonly idleTimeoutMs: number;
  /** The guard ends a block that has been open for this long, once no statement is running. */
  readonly timeoutMs: number;
  /** What the server is told with BEGIN, for a process that no longer runs. */
  readonly serverIdleTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
}

/**
 * The policy's limits, with what the service set itself where the policy does not enforce it.
 *
 * On the direct lane statements and blocks may take as long as they need: migrations and long
 * reports belong there. Idle time and lock waits are limited on every lane.
 */
export function limitsOf({ policy, lane }: LaneInUse, service: HandedLimits): BlockLimits {
  const { transaction } = policy;
  const own = (key: keyof HandedLimits, policyKey: string): number | undefined =>
    policy.isEnforced(policyKey) ? undefined : service[key];
  const serverIdle = own("serverIdleTimeoutMs", "transaction.idleTimeoutMs");
  const isDirect = lane === "direct";
  return {
    idleTimeoutMs: serverIdle === undefined ? transaction.idleTimeoutMs : belowServer(serverIdle),
    timeoutMs: isDirect ? 0 : transaction.timeoutMs,
    serverIdleTimeoutMs: serverIdle ?? transaction.serverIdleTimeoutMs,
    statementTimeoutMs:
      own("statementTimeoutMs", "transaction.statementTimeoutMs") ??
      (isDirect ? 0 : transaction.statementTimeoutMs),
    lockTimeoutMs: own("lockTimeoutMs", "transaction.lockTimeoutMs") ?? transaction.lockTimeoutMs,
  };
}

/** The guard acts before the server: 20 % and, where there is room for it, a second. */
function belowServer(serverMs: number): number {
  return serverMs === 0
    ? 0
    : Math.floor(Math.max(Math.min(serverMs / 1.2, serverMs - 1000), serverMs / 2));
}

/**
 * What is sent behind BEGIN, in the same message. Limits of 0 are not sent: the role's own stay.
 *
 * `SET LOCAL` and not `select set_config(…)`: a query would fix the block's snapshot, and the
 * `SET TRANSACTION ISOLATION LEVEL` that TypeORM and Prisma send next would be refused.
 */
export function setLocalText(limits: BlockLimits): string {
  const settings: readonly (readonly [string, number])[] = [
    ["idle_in_transaction_session_timeout", limits.serverIdleTimeoutMs],
    ["statement_timeout", limits.statementTimeoutMs],
    ["lock_timeout", limits.lockTimeoutMs],
  ];
  return settings
    .filter(([, milliseconds]) => milliseconds > 0)
    .map(([name, milliseconds]) => `; SET LOCAL ${name} = ${Math.floor(milliseconds)}`)
    .join("");
}

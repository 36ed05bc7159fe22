import type { LaneInUse } from "@doorpolicy/core";
import type { SettingChange } from "@doorpolicy/pg";

import type { PrismaPolicyOptions } from "./options.ts";

/** Longest delay of a Node timer. Prisma reads 0 as "at once" and not as "none". */
const NEVER_MS = 2_147_483_647;

/** Limits of Prisma's interactive and batch transactions, in milliseconds. */
export interface TransactionLimits {
  readonly maxWait: number;
  readonly timeout: number;
}

/**
 * Prisma's own limits, from the policy: `maxWait` above the acquire limit, so that the error of the
 * inner limit, which knows who holds the connections, is the one that is seen (failure P36); and
 * `timeout` as the total limit of a block. What the service set stays, unless the policy enforces
 * `connections.acquireTimeoutMs` or `transaction.timeoutMs`.
 */
export function transactionLimits(
  { transactionOptions = {} }: PrismaPolicyOptions,
  { policy }: LaneInUse,
): TransactionLimits & { readonly changes: readonly SettingChange[] } {
  const { transaction } = policy;
  const changes: SettingChange[] = [];
  const choose = (key: "maxWait" | "timeout", limit: number, policyKey: string): number => {
    const from = transactionOptions[key];
    if (from === limit || (from !== undefined && !policy.isEnforced(policyKey))) return from;
    const why = `the policy's \`${policyKey}\` decides it.`;
    changes.push({
      path: `transactionOptions.${key}`,
      to: limit,
      why,
      ...(from === undefined ? { kind: "set" } : { from, kind: "overridden" }),
    });
    return limit;
  };
  return {
    maxWait: choose("maxWait", transaction.maxWaitMs, "connections.acquireTimeoutMs"),
    timeout: choose("timeout", transaction.timeoutMs || NEVER_MS, "transaction.timeoutMs"),
    changes,
  };
}

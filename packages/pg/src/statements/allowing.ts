import { AsyncLocalStorage } from "node:async_hooks";

import { PolicyError, ruleIds } from "@doorpolicy/core";

import { sharedState } from "../registry.ts";

/** A written exception of the code that runs in it, and those around it. */
export interface Allowance {
  readonly rule: string;
  readonly reason: string;
  readonly outer: Allowance | undefined;
}

/**
 * Lets what `fn` does break one rule, for a written reason: it is reported with the action `allowed` and
 * the reason, and not refused. Holds for what `fn` sends, and what it awaits, in this async context; not for what the
 * guard finds later by itself, such as a block that is over its limit. It allows nothing that is refused in every
 * mode. A Prisma client needs its `units` extension inside, since it sends lookups of one tick together.
 *
 * ```ts
 * await allowing("session-state/no-session-lock", "one pod, own database user", () =>
 *   dataSource.query("select pg_advisory_lock(1)"),
 * );
 * ```
 *
 * @throws PolicyError `policy/invalid` for a rule that is not known or a reason without a word.
 */
export async function allowing<Result>(
  rule: string,
  reason: string,
  fn: () => Result | PromiseLike<Result>,
): Promise<Result> {
  if (!ruleIds.includes(rule)) {
    throw new PolicyError("policy/invalid", "`allowing()` is given a rule that there is not.", {
      hint: "Give it the id of a rule, such as `session-state/no-set`.",
    });
  }
  if (typeof reason !== "string" || reason.trim() === "") {
    throw new PolicyError("policy/invalid", "`allowing()` is given no reason.", {
      hint: "Say why the rule may be broken here: it appears in every report.",
    });
  }
  const storage = (sharedState().allowances ??= new AsyncLocalStorage<Allowance | undefined>());
  const allowance: Allowance = { rule, reason: reason.trim(), outer: storage.getStore() };
  // Awaited inside: the lazy thenables of Prisma and Knex start when somebody awaits them.
  return await storage.run(allowance, async () => await fn());
}

/** The exception that the caller runs under, for an adapter; costs nothing until somebody allows something. */
export function currentAllowance(): Allowance | undefined {
  return sharedState().allowances?.getStore();
}

/** Why a rule may be broken under an allowance, if it may. */
export function allowedBy(allowance: Allowance | undefined, rule: string): string | undefined {
  for (let one = allowance; one !== undefined; one = one.outer) {
    if (one.rule === rule) return one.reason;
  }
  return undefined;
}

/** Calls `run` under an allowance that was there when it was asked for. */
export function runUnder<Result>(allowance: Allowance | undefined, run: () => Result): Result {
  const storage = sharedState().allowances;
  return storage === undefined ? run() : storage.run(allowance, run);
}

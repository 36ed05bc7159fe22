/**
 * Where every copy of this package finds the plan of a guarded adapter: the CLI loads one beside the
 * service's. What stands there is a function, so that printing an adapter, hidden properties included,
 * shows no secret.
 */
export const PLAN: unique symbol = Symbol.for("doorpolicy/prisma-plan");

/** True for an adapter that `withPolicy` of any copy of this package has made. */
export function hasPlan(adapter: object): boolean {
  return PLAN in adapter;
}

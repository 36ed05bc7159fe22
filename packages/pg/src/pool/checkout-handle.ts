import type { Checkout } from "./checkout.ts";
import type { Guard } from "../guard.ts";
import { makeHandle } from "./handle.ts";
import { LazyHandle } from "./lazy-handle.ts";
import type { PgClient, PgQueryConstructor } from "../driver/pg-internals.ts";
import { controlTextOf, failQuery } from "../driver/query-forms.ts";
import { rawControlProblem } from "../units/raw-control.ts";

/** How a connection was asked for. */
export interface CheckoutForm {
  /** It goes to others afterwards: the listeners of this holder are removed then. Else they hear how it is closed. */
  readonly isKept: boolean;
  /** For the one statement of `pool.query()`: nobody could end a transaction that it begins. */
  readonly isSingle: boolean;
}

/** Where nobody refers to a handle any more, its connection would never be given back. */
const forgotten = new FinalizationRegistry<Checkout>((checkout) => checkout.reclaimForgotten());

/** A handle of its own for each checkout: it refuses statements once it was given back. */
export function handleOf(
  checkout: Checkout,
  { isKept, isSingle }: CheckoutForm,
  guard: Guard,
  Query: PgQueryConstructor,
): PgClient {
  const { client } = checkout;
  if (guard.lane.policy.transaction.lazyBegin && guard.lane.mode !== "bypass" && !isSingle) {
    return lazyHandleOf(checkout, guard, Query);
  }
  const handle = makeHandle(client, {
    isDeaf: isSingle || guard.hidesLoss,
    isReleased: () => checkout.isReleased,
    query: (config, values, callback) => {
      const refusal =
        checkout.refusal() ??
        (isSingle ? rawControlProblem(controlTextOf(config, Query), guard) : undefined);
      return refusal === undefined
        ? client.query(config, values, callback, 1)
        : failQuery(client, { config, values, callback }, refusal);
    },
    release: (error) => {
      if (isKept) handle.removeListeners();
      checkout.release(error);
      forgotten.unregister(checkout);
    },
  });
  forgotten.register(handle.client, checkout, checkout);
  return handle.client;
}

function lazyHandleOf(checkout: Checkout, guard: Guard, Query: PgQueryConstructor): PgClient {
  const handle = new LazyHandle(checkout, guard, Query, (error) => {
    checkout.release(error);
    forgotten.unregister(checkout);
  });
  forgotten.register(handle.client, checkout, checkout);
  return handle.client;
}

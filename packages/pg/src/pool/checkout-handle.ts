import type { Checkout } from "./checkout.ts";
import type { Guard } from "../guard.ts";
import { makeHandle } from "./handle.ts";
import { LazyHandle } from "./lazy-handle.ts";
import type { PgClient, PgQueryConstructor } from "../driver/pg-internals.ts";
import { controlTextOf, failQuery } from "../driver/query-forms.ts";
import { rawControlProblem } from "../units/raw-control.ts";
import { SingleHandle } from "./single-handle.ts";

/** Where nobody refers to a handle any more, its connection would never be given back. */
const forgotten = new FinalizationRegistry<Checkout>((checkout) => checkout.reclaimForgotten());

/**
 * A handle of its own for each checkout: it refuses statements once it was given back. `isSingle`: for the
 * one statement of `pool.query()`, since nobody could end a transaction that it begins.
 */
export function handleOf(
  checkout: Checkout,
  isSingle: boolean,
  guard: Guard,
  Query: PgQueryConstructor,
): PgClient {
  const { client } = checkout;
  if (isSingle) return singleHandleOf(checkout, guard, Query);
  if (guard.lane.policy.transaction.lazyBegin && guard.lane.mode !== "bypass") {
    return lazyHandleOf(checkout, guard, Query);
  }
  const handle = makeHandle(client, {
    isDeaf: guard.hidesLoss,
    isReleased: () => checkout.isReleased,
    query: (config, values, callback) => {
      const refusal = checkout.refusal();
      return refusal === undefined
        ? client.query(config, values, callback, 2)
        : failQuery(client, { config, values, callback }, refusal);
    },
    release: (error) => {
      handle.removeListeners();
      checkout.release(error);
      forgotten.unregister(checkout);
    },
  });
  forgotten.register(handle.client, checkout, checkout);
  return handle.client;
}

/** The error of a statement is no reason to close its connection: whether it can be used is its guard's to say. */
function singleHandleOf(checkout: Checkout, guard: Guard, Query: PgQueryConstructor): PgClient {
  const { client } = checkout;
  return new SingleHandle({
    query: (config, values, callback) => {
      const text = controlTextOf(config, Query);
      checkout.statement = text;
      const refusal = checkout.refusal() ?? rawControlProblem(text, guard);
      return refusal === undefined
        ? client.query(config, values, callback, 2)
        : failQuery(client, { config, values, callback }, refusal);
    },
    release: () => checkout.release(),
  }).asClient;
}

function lazyHandleOf(checkout: Checkout, guard: Guard, Query: PgQueryConstructor): PgClient {
  const handle = new LazyHandle(checkout, guard, Query, (error) => {
    checkout.release(error);
    forgotten.unregister(checkout);
  });
  forgotten.register(handle.client, checkout, checkout);
  return handle.client;
}

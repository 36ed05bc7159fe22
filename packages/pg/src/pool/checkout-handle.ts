import type { Checkout } from "./checkout.ts";
import type { Guard } from "../guard.ts";
import { makeHandle } from "./handle.ts";
import { LazyHandle } from "./lazy-handle.ts";
import type { PgClient, PgQueryConstructor } from "../driver/pg-internals.ts";
import { controlTextOf, failQuery } from "../driver/query-forms.ts";
import { rawControlProblem } from "../units/raw-control.ts";
import { SingleHandle, type SingleMethods } from "./single-handle.ts";

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
  if (isSingle) return new SingleHandle(new SingleStatement(checkout, guard, Query)).asClient;
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

/** The one statement of a `pool.query()` outside of units. */
class SingleStatement implements SingleMethods {
  readonly #checkout: Checkout;
  readonly #guard: Guard;
  readonly #Query: PgQueryConstructor;

  constructor(checkout: Checkout, guard: Guard, Query: PgQueryConstructor) {
    this.#checkout = checkout;
    this.#guard = guard;
    this.#Query = Query;
  }

  query(config: unknown, values: unknown, callback: unknown): unknown {
    const checkout = this.#checkout;
    const { client } = checkout;
    const text = controlTextOf(config, this.#Query);
    checkout.statement = text;
    const refusal = checkout.refusal() ?? rawControlProblem(text, this.#guard);
    return refusal === undefined
      ? client.query(config, values, callback, 2)
      : failQuery(client, { config, values, callback }, refusal);
  }

  /** The error of a statement is no reason to close its connection: whether it can be used is its guard's to say. */
  release(): void {
    this.#checkout.release();
  }
}

function lazyHandleOf(checkout: Checkout, guard: Guard, Query: PgQueryConstructor): PgClient {
  const handle = new LazyHandle(checkout, guard, Query, (error) => {
    checkout.release(error);
    forgotten.unregister(checkout);
  });
  forgotten.register(handle.client, checkout, checkout);
  return handle.client;
}

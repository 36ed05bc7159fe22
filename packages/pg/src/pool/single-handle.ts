import type { Guard } from "../guard.ts";
import type { PgClient, PgQueryConstructor } from "../driver/pg-internals.ts";
import { controlTextOf, failQuery } from "../driver/query-forms.ts";
import { rawControlProblem } from "../units/raw-control.ts";
import type { Checkout } from "./checkout.ts";

/**
 * What pg-pool's `query()` gets for its one statement: the four methods that it calls. It gives it to nobody
 * else, so that no proxy is needed, nor anything that finds it when it is forgotten.
 *
 * It is deaf to the connection's `error`: pg-pool listens beside the statement, and would answer its caller
 * with the socket's error before the statement does with what is known of its outcome. The error of
 * a statement is no reason to close the connection, so that `release` takes none: whether it can be
 * used is its guard's to say.
 */
export class SingleHandle {
  readonly #checkout: Checkout;
  readonly #guard: Guard;
  readonly #Query: PgQueryConstructor;

  constructor(checkout: Checkout, guard: Guard, Query: PgQueryConstructor) {
    this.#checkout = checkout;
    this.#guard = guard;
    this.#Query = Query;
  }

  query(config: unknown, values: unknown, callback: unknown): unknown {
    const { client } = this.#checkout;
    const refusal =
      this.#checkout.refusal() ??
      rawControlProblem(controlTextOf(config, this.#Query), this.#guard);
    return refusal === undefined
      ? client.query(config, values, callback, 1)
      : failQuery(client, { config, values, callback }, refusal);
  }

  once(): this {
    return this;
  }

  removeListener(): this {
    return this;
  }

  release(): void {
    this.#checkout.release();
  }

  /** As pg-pool sees it. */
  get asClient(): PgClient {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests run pg-pool's query() of each version over it.
    return this as unknown as PgClient;
  }
}

import type { PgClient } from "../driver/pg-internals.ts";
import { asGiven } from "../driver/given.ts";
import { isSubmittable } from "../driver/submittable.ts";
import { queryInOwnContext } from "./own-context.ts";

/** What is done for the one statement of `pool.query()`. */
export interface SingleMethods {
  query(config: unknown, values: unknown, callback: unknown): unknown;
  release(error: unknown): void;
}

/**
 * What pg-pool's `query()` gets for its one statement, in a unit and outside: the four methods that it calls. It
 * gives it to nobody else, so that no proxy is needed, nor anything that finds it when it is forgotten.
 *
 * It is deaf to the connection's `error`: pg-pool listens beside the statement, and would answer its caller
 * with the socket's error before the statement does with what is known of its outcome. What pg-pool calls
 * back is its own; a cursor's or a stream's handlers are the caller's, and run in his async context.
 */
export class SingleHandle {
  readonly #methods: SingleMethods;

  constructor(methods: SingleMethods) {
    this.#methods = methods;
  }

  query(config: unknown, values: unknown, callback: unknown): unknown {
    if (typeof config === "string") return this.#methods.query(config, values, callback);
    return isSubmittable(config)
      ? this.#methods.query(...queryInOwnContext(config, values, callback))
      : this.#methods.query(asGiven(config), values, callback);
  }

  once(): this {
    return this;
  }

  removeListener(): this {
    return this;
  }

  release(error?: unknown): void {
    this.#methods.release(error);
  }

  /** As pg-pool sees it. */
  get asClient(): PgClient {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests run pg-pool's query() of each version over it.
    return this as unknown as PgClient;
  }
}

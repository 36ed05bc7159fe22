import type { Checkout } from "./checkout.ts";
import { releasedError } from "./messages.ts";
import type { PgClient } from "./pg-internals.ts";
import { failQuery } from "./query-forms.ts";

/**
 * One holder's view of a connection that others will hold after it: it is the connection in all that
 * it shows (`instanceof` included), has its own `release`, and takes no statement once that was called.
 * Whoever keeps it cannot reach into the transaction of the next holder.
 *
 * Only for pools that keep connections. A connection that is closed after one use has one holder.
 */
export function handleOf(client: PgClient, checkout: Checkout): PgClient {
  const bound = new Map<unknown, unknown>();
  const own = {
    release: checkout.release,
    query: (config: unknown, values?: unknown, callback?: unknown): unknown =>
      checkout.isReleased
        ? failQuery(client, { config, values, callback }, releasedError())
        : client.query(config, values, callback),
  };
  return new Proxy(client, {
    get(target, key) {
      if (key === "release" || key === "query") return own[key];
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function" || key === "constructor") return value;
      // pg's methods use private fields, which a proxy does not have; the same function each time.
      if (!bound.has(value)) bound.set(value, value.bind(target));
      return bound.get(value);
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}

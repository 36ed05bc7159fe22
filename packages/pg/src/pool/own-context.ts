import { AsyncResource } from "node:async_hooks";

import { asGiven } from "../driver/given.ts";
import { isSubmittable } from "../driver/submittable.ts";

type Anything = (...values: unknown[]) => unknown;

/**
 * Calls back in the async context of whoever asked, and not in that of the socket, which was opened for
 * somebody else. `AsyncResource.bind` would do, at five times the cost of a whole checkout (Node 20
 * makes a deprecated getter at each call).
 */
export function inOwnContext<Values extends unknown[], Result>(
  callback: (...values: Values) => Result,
): (...values: Values) => Result {
  const context = contextHere();
  return (...values) => context.runInAsyncScope(callback, undefined, ...values);
}

function contextHere(): AsyncResource {
  return new AsyncResource("doorpolicy.checkout", { requireManualDestroy: true });
}

/** What pg calls of a cursor or a stream, which reads on and calls back from there. */
const HANDLERS = [
  "handleRowDescription",
  "handleDataRow",
  "handlePortalSuspended",
  "handleEmptyQuery",
  "handleCommandComplete",
  "handleReadyForQuery",
  "handleCopyInResponse",
  "handleCopyOutResponse",
  "handleCopyData",
  "handleError",
] as const;

/** The arguments of a `query()` as they were given, with all that is called back in the caller's own context. */
export function queryInOwnContext(
  given: unknown,
  values: unknown,
  callback: unknown,
): [config: unknown, values: unknown, callback: unknown] {
  const config = asGiven(given);
  if (isSubmittable(config)) bindHandlers(config);
  return [bindCallbackIn(config), bindIfCallback(values), bindIfCallback(callback)];
}

function bindIfCallback(value: unknown): unknown {
  return typeof value === "function" ? inOwnContext(asCallback(value)) : value;
}

/** `query({ text, callback })`; the config itself is the caller's and stays as it is. */
function bindCallbackIn(config: unknown): unknown {
  if (typeof config !== "object" || config === null || isSubmittable(config)) return config;
  const callback: unknown = Reflect.get(config, "callback");
  if (typeof callback !== "function") return config;
  const own: object = Object.create(config, {
    callback: { value: inOwnContext(asCallback(callback)), enumerable: true },
  });
  return own;
}

function bindHandlers(query: object): void {
  const context = contextHere();
  for (const name of HANDLERS) {
    const handler: unknown = Reflect.get(query, name);
    if (typeof handler !== "function") continue;
    const original = asCallback(handler);
    Reflect.set(query, name, (...values: unknown[]) =>
      context.runInAsyncScope(original, query, ...values),
    );
  }
}

// oxlint-disable-next-line typescript/no-unsafe-function-type -- whatever the caller gave.
function asCallback(value: Function): Anything {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a function takes anything.
  return value as Anything;
}

import { cancel } from "../clock.ts";
import { later } from "./later.ts";
import type { PgClient } from "../driver/pg-internals.ts";

/**
 * What a service wants done with each new connection before anybody gets it: pg-pool's options `onConnect`
 * (3.11 and later) and `verify`, in pg-pool's order. `undefined` where there is neither.
 * Rejects after `limitMs`.
 */
export function prepareClient(
  client: PgClient,
  { onConnect, verify }: Readonly<Record<string, unknown>>,
  limitMs: number,
): Promise<void> | undefined {
  if (!isFunction(onConnect) && !isFunction(verify)) return undefined;
  const preparing = (async () => {
    if (isFunction(onConnect)) await onConnect(client);
    if (!isFunction(verify)) return;
    await new Promise<void>((resolve, reject) => {
      verify(client, (error?: unknown) => (error ? reject(error) : resolve()));
    });
  })();
  return within(limitMs, preparing);
}

/** Rejects when it takes longer: a place at the gate may not be lost to a hook that never answers. */
function within(limitMs: number, preparing: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const bound = later(limitMs, () => {
      reject(new Error(`\`onConnect\` or \`verify\` of the pool took longer than ${limitMs} ms.`));
    });
    preparing.then(resolve, reject).finally(() => cancel(bound));
  });
}

function isFunction(value: unknown): value is (...values: unknown[]) => unknown {
  return typeof value === "function";
}

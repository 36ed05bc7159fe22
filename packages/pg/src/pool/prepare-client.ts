import type { PgClient } from "../driver/pg-internals.ts";

/**
 * What a service wants done with each new connection before anybody gets it: pg-pool's options `onConnect`
 * (3.11 and later) and `verify`, in pg-pool's order. `undefined` where there is neither.
 */
export function prepareClient(
  client: PgClient,
  { onConnect, verify }: Readonly<Record<string, unknown>>,
): Promise<void> | undefined {
  if (!isFunction(onConnect) && !isFunction(verify)) return undefined;
  return (async () => {
    if (isFunction(onConnect)) await onConnect(client);
    if (!isFunction(verify)) return;
    await new Promise<void>((resolve, reject) => {
      verify(client, (error?: unknown) => (error ? reject(error) : resolve()));
    });
  })();
}

function isFunction(value: unknown): value is (...values: unknown[]) => unknown {
  return typeof value === "function";
}

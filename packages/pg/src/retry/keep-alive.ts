import type { PoolConfigInput } from "../config/index.ts";
import type { PgClient } from "../driver/pg-internals.ts";

/** The kernel counts in seconds. */
const LEAST_MS = 1_000;

/**
 * Has the kernel ask the other end of a connection whether it is still there, once nothing has come from it
 * for `afterMs` (`connections.keepAliveMs`), in whole seconds and after one at the least; 0 asks nothing. Node sets the interval to one second and gives
 * up after ten unanswered questions: then the statement that waits fails as any other on a lost connection.
 * Without it a client waits for ever for the answer of a host that is gone, since it has nothing to send.
 *
 * A service's own `keepAlive: true` is left alone, with its own delay. It does nothing for bytes that were
 * sent and not confirmed: those the kernel sends again, for about a quarter of an hour.
 */
export function keepAlive(client: PgClient, config: PoolConfigInput, afterMs: number): void {
  const own: unknown = typeof config === "object" ? Reflect.get(config, "keepAlive") : undefined;
  if (afterMs === 0 || own === true) return;
  // Before TLS wraps it: what is set on a socket stays with its descriptor.
  client.connection.once("connect", () => {
    // Node cuts it to whole seconds, and the kernel takes no 0: it would leave the question out (EINVAL, measured on Node 20).
    client.connection.stream.setKeepAlive?.(true, Math.max(LEAST_MS, afterMs));
  });
}

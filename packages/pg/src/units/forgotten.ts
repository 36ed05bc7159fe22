import type { Lease } from "./lease.ts";

/**
 * Where nobody refers to a handle any more, the unit's connection would never be given back, and all
 * of the unit's later calls would wait for it.
 */
export const forgotten = new FinalizationRegistry<Lease>((lease) => {
  if (lease.isReleased) return;
  lease.connection.report({
    rule: "connections/abandoned",
    action: "closed",
    message:
      "A unit's connection was taken and never given back, and nobody refers to it any more; it was taken back.",
    help: "Release every connection in a `finally`, or let the pool's own `query()` do it.",
  });
  lease.release();
});

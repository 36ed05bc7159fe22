import type { LaneInUse } from "@doorpolicy/core";

import type { PoolConfigDraft } from "./draft.ts";

const KEPT_BY_NOBODY = "a connection that nobody uses is closed; the pooler does the pooling.";

/**
 * Makes a pool config keep its connections as the lane says (`LaneInUse.reuse`), and no longer than
 * `maxLifetimeMs`. What the service set itself stays, unless the policy enforces the key.
 *
 * | | `reuse: "none"` | `reuse: "pool"` |
 * | --- | --- | --- |
 * | `maxUses` | 1, the mark of a connection that is not kept | as the service says; dropped where `connections.reuse` is enforced |
 * | `idleTimeoutMillis`, `min` | dropped: nothing is kept that they could speak of | `idleTimeoutMs`, `minPerProcess` |
 * | `maxLifetimeSeconds` | `maxLifetimeMs` | `maxLifetimeMs` |
 *
 * In bypass the stock pool runs as the service wrote it, and everything here is left alone.
 */
export function applyReuse(draft: PoolConfigDraft, lane: LaneInUse): void {
  if (lane.mode === "bypass") return;
  if (lane.reuse === "none") {
    draft.set("maxUses", 1, KEPT_BY_NOBODY);
    draft.drop("idleTimeoutMillis", KEPT_BY_NOBODY);
    draft.drop("min", KEPT_BY_NOBODY);
  } else {
    keepConnections(draft, lane);
  }
  applyLifetime(draft, lane);
}

function keepConnections(draft: PoolConfigDraft, lane: LaneInUse): void {
  const { idleTimeoutMs, minPerProcess } = lane.policy.connections;
  if (lane.policy.isEnforced("connections.reuse")) {
    draft.drop("maxUses", "the policy keeps a connection for whoever comes next.");
  }
  // Of 0 pg-pool makes "for ever", and a service that says so means it.
  if (isOpen(draft, lane, "idleTimeoutMillis", "connections.idleTimeoutMs")) {
    draft.set(
      "idleTimeoutMillis",
      idleTimeoutMs,
      `an unused connection is closed after ${idleTimeoutMs} ms.`,
    );
  }
  const max = Number(draft.read().poolOption("max", "poolSize")?.value);
  const wanted = isOpen(draft, lane, "min", "connections.minPerProcess")
    ? minPerProcess
    : Number(draft.values["min"]);
  const min = Math.min(wanted, max);
  if (min !== Number(draft.values["min"] ?? 0)) {
    draft.set("min", min, `${min} connections of this pool stay open when nobody uses them.`);
  }
}

function applyLifetime(draft: PoolConfigDraft, lane: LaneInUse): void {
  const { maxLifetimeMs } = lane.policy.connections;
  if (!isOpen(draft, lane, "maxLifetimeSeconds", "connections.maxLifetimeMs")) return;
  const seconds = maxLifetimeMs / 1000;
  if (seconds === Number(draft.values["maxLifetimeSeconds"] ?? 0)) return;
  draft.set(
    "maxLifetimeSeconds",
    seconds,
    maxLifetimeMs === 0
      ? "the policy sets no limit to the age of a connection."
      : `a connection of ${maxLifetimeMs} ms is closed, so that the process moves on after a restart of the pooler.`,
  );
}

/** True where the policy's own value stands: the service has set none, or may not. */
function isOpen(draft: PoolConfigDraft, { policy }: LaneInUse, key: string, name: string): boolean {
  return draft.values[key] === undefined || policy.isEnforced(name);
}

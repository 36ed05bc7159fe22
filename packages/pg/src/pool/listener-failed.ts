/** A listener of a pool's event has thrown, in the middle of the pool's own work. */
export function sayListenerFailed(event: string | symbol, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.emitWarning(`A listener of the pool's "${String(event)}" event failed: ${reason}`, {
    type: "DoorpolicyWarning",
    code: "DOORPOLICY_POOL_LISTENER",
  });
}

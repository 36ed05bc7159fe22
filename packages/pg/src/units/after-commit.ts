import type { Guard } from "../guard.ts";

const HELP = "Handle its errors inside, or hand the work to a queue.";

/** Calls what was asked for after a COMMIT, in order. The transaction is stored, whatever it does. */
export async function runAfterCommit(
  actions: readonly (() => unknown)[],
  guard: Guard | undefined,
): Promise<void> {
  for (const action of actions) {
    try {
      await action();
    } catch (error) {
      sayFailed(error, guard);
    }
  }
}

function sayFailed(error: unknown, guard: Guard | undefined): void {
  const rule = "unit/after-commit-failed";
  // Not its words: a server's error quotes literals.
  const message = `A function given to afterCommit() failed (${nameOf(error)}); the transaction is stored.`;
  if (guard !== undefined) {
    guard.report({ rule, action: "reported", message, help: HELP });
    return;
  }
  // No statement was sent, so that no policy is known.
  process.emitWarning(`${message} ${HELP}`, { type: "DoorpolicyWarning", code: rule });
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error ? `${error.name} ${String(error.code)}` : error.name;
}

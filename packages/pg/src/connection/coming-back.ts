import type { CancelOutcome } from "./cancellation.ts";
import { isReadingPaused, type PgClient, takeUnsent } from "../driver/pg-internals.ts";
import { tellError } from "../driver/service-callback.ts";
import { type Settling, whenSettled } from "./settle.ts";

/** How long a statement that nobody awaited may go on before it is cancelled. */
const GRACE_MS = 1_000;
/** How long it may go on where it is not cancelled, before its connection is destroyed. */
export const DRAIN_MS = 5_000;
/** How long the server may take to answer the end of a portal. */
const PORTAL_MS = 1_000;

/** A connection that comes back, and what may be done to it. */
export interface ComingBack {
  readonly client: PgClient;
  /** False where the rule only reports: then the statement has its time, and the portal the same. */
  readonly mayAct: boolean;
  /** How long to wait before anything is cancelled; asked when whoever released has returned. */
  graceMs(): number;
  /** True when an open portal waits for a reader, who has gone. */
  isServerWaiting(): boolean;
  /** Answers an open portal with an error, which makes it close; false when there is none. */
  endPortal(): boolean;
  cancelRunning(): Promise<CancelOutcome>;
  /** Statements of the same holder that were never sent. */
  refuseUnsent(): void;
  onFreed(what: "statement" | "reader"): void;
}

/** The grace of a holder who has just gone, or has been gone since his `query_timeout`. */
export function graceFor(isGivenUp: boolean): number {
  return isGivenUp ? 0 : GRACE_MS;
}

/**
 * Brings a connection that was given back to rest: waits for what is running, closes a portal that
 * nobody will read, cancels what goes on. `"busy"`: none of it helped, and it has to be destroyed.
 */
export async function comeToRest(back: ComingBack): Promise<Settling> {
  const { client, mayAct } = back;
  // What is on its way has arrived after one look; a portal that is being closed is no open one.
  const first = await whenSettled(client, 0);
  if (first !== "busy") return first;
  if (isReadingPaused(client)) client.connection.stream.resume?.();
  if (mayAct && back.isServerWaiting()) return await closePortal(back);
  const graceMs = mayAct ? back.graceMs() : DRAIN_MS;
  const second = await whenSettled(client, graceMs);
  if (second !== "busy") return second;
  if (back.isServerWaiting()) return await closePortal(back);
  if (!mayAct) return "busy";
  back.refuseUnsent();
  const outcome = await back.cancelRunning();
  if (outcome === "unsupported") return await whenSettled(client, DRAIN_MS - graceMs);
  if (outcome === "cancelled") back.onFreed("statement");
  return await whenSettled(client, PORTAL_MS);
}

async function closePortal(back: ComingBack): Promise<Settling> {
  if (!back.endPortal()) return "busy";
  const settling = await whenSettled(back.client, PORTAL_MS);
  if (settling === "settled") back.onFreed("reader");
  return settling;
}

/** Answers what was queued and never sent. */
export function refuseUnsent(client: PgClient, errorFor: () => Error): void {
  for (const query of takeUnsent(client)) tellError(query, errorFor(), client.connection);
}

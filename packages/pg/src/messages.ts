import { PolicyError, type ViolationAction } from "@doorpolicy/core";

import { ownFrame } from "./call-site.ts";
import type { LimitRule, OpenBlock, OverLimit } from "./open-block.ts";
import type { ViolationDraft } from "./report.ts";

/** What to do about a limit that is over; one imperative sentence. */
export const LIMIT_HELP: Readonly<Record<LimitRule, string>> = {
  "transaction/idle":
    "Move what waits for anything but the database out of the transaction, or set a longer `transaction.idleTimeoutMs`.",
  "transaction/timeout":
    "Split the transaction into shorter ones, or set a longer `transaction.timeoutMs`.",
};

/** How a limit was passed, as part of a sentence. */
export function lasting({ rule, lastedMs, limitMs }: OverLimit): string {
  return rule === "transaction/idle"
    ? `no statement ran in it for ${lastedMs} ms, and the limit is ${limitMs} ms`
    : `it was open for ${lastedMs} ms, and the limit is ${limitMs} ms`;
}

/** " It was opened at …", where that is known. */
export function openedAt(block: OpenBlock): string {
  const frame = ownFrame(block.site);
  return frame === undefined ? "" : ` It was opened ${frame}.`;
}

/** The answer to a statement of somebody who has given the connection back. */
export function releasedError(): PolicyError {
  return new PolicyError(
    "connection/released",
    "This connection was given back before the statement was sent.",
    { hint: "Await every statement before the connection is released." },
  );
}

/** The report of a limit that is over. */
export function overLimitDraft(over: OverLimit, action: ViolationAction): ViolationDraft {
  const what =
    action === "would-have"
      ? "A transaction held its server connection and its locks"
      : "A transaction was rolled back and its connection closed";
  return {
    rule: over.rule,
    action,
    message: `${what}: ${lasting(over)}.`,
    help: LIMIT_HELP[over.rule],
  };
}

/** The report of a connection that came back with an open transaction. */
export function leftOpenDraft(block: OpenBlock, action: ViolationAction): ViolationDraft {
  const what = action === "rolled-back" ? "it was rolled back" : "the connection was destroyed";
  return {
    rule: "transaction/left-open",
    action,
    message: `A connection was given back with a transaction that had been open for ${block.heldMs} ms; ${what}, and nothing of it is stored.`,
    help: "End every transaction with COMMIT or ROLLBACK before the connection is released.",
  };
}

/** The report of a connection that came back busy and stayed so. */
export function releasedBusyDraft(drainMs: number): ViolationDraft {
  return {
    rule: "connections/released-busy",
    action: "closed",
    message: `A connection was released while a statement was running, which went on for ${drainMs} ms; the connection was destroyed.`,
    help: "Await every statement before the connection is released.",
  };
}

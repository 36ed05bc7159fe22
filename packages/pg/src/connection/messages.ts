import { PolicyError, type ViolationAction } from "@doorpolicy/core";

import { type CallSite, ownFrame } from "../call-site.ts";
import type { LimitRule, OpenBlock, OverLimit } from "./open-block.ts";
import type { ViolationDraft } from "../report.ts";

/** What to do about a limit that is over; one imperative sentence. */
const LIMIT_HELP: Readonly<Record<LimitRule, string>> = {
  "transaction/idle":
    "Move what waits for anything but the database out of the transaction, or set a longer `transaction.idleTimeoutMs`.",
  "transaction/timeout":
    "Split the transaction into shorter ones, or set a longer `transaction.timeoutMs`.",
};

/** How a limit was passed, as part of a sentence. */
function lasting({ rule, lastedMs, limitMs, what }: OverLimit): string {
  const nothing = what === "reader" ? "nothing was read from it" : "no statement ran in it";
  const how = rule === "transaction/idle" ? nothing : "it was open";
  return `${how} for ${lastedMs} ms, and the limit is ${limitMs} ms`;
}

/** The answer to what comes after a block, or an open cursor or stream, that was over its limit. */
export function endedByPolicyError(over: OverLimit, site: CallSite | undefined): PolicyError {
  const what =
    over.what === "reader"
      ? "An open cursor or stream was ended, what was open rolled back, and its connection closed"
      : "This transaction was rolled back and its connection closed";
  return new PolicyError(
    "transaction/ended-by-policy",
    `${what}: ${lasting(over)}.${openedAt(site)}`,
    { hint: helpOf(over) },
  );
}

function helpOf({ rule, what }: OverLimit): string {
  return what === "reader"
    ? "Read a cursor or stream to its end without waiting for anything but the database, or close it."
    : LIMIT_HELP[rule];
}

/** " It was opened at …", where that is known. */
export function openedAt(site: CallSite | undefined): string {
  const frame = ownFrame(site);
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
  const what = over.what === "reader" ? "An open cursor or stream" : "A transaction";
  const ended = over.what === "reader" ? "was ended" : "was rolled back";
  const happened =
    action === "would-have"
      ? "held its server connection and its locks"
      : `${ended} and its connection closed`;
  return {
    rule: over.rule,
    action,
    message: `${what} ${happened}: ${lasting(over)}.`,
    help: helpOf(over),
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
    help: BUSY_HELP,
  };
}

/** The report of a connection that came back busy, and was made free. */
export function freedBusyDraft(what: "statement" | "reader"): ViolationDraft {
  const message =
    what === "statement"
      ? "A connection was released while a statement was running; the statement was cancelled."
      : "A connection was released with an open cursor or stream, which was closed.";
  return { rule: "connections/released-busy", action: "rolled-back", message, help: BUSY_HELP };
}

const BUSY_HELP =
  "Await every statement, and close every cursor and stream, before the connection is released.";

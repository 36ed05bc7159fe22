import { PolicyError, type ViolationAction } from "@doorpolicy/core";

import type { BlockLimits } from "./limits.ts";
import { carryExplanation } from "../carried-explanation.ts";
import { openedAt } from "./messages.ts";
import type { OpenBlock } from "./open-block.ts";
import { NOT_QUERYABLE } from "../driver/pg-internals.ts";
import type { ViolationDraft } from "../report.ts";

/** What is not known of a statement that was sent and not answered. */
export type Unknown = "transaction" | "statement";

/** The rule that a lost statement is reported under; the error's code is the same. */
export function outcomeRule(unknown: Unknown): `${Unknown}/outcome-unknown` {
  return `${unknown}/outcome-unknown`;
}

const WHAT: Readonly<Record<Unknown, string>> = {
  transaction:
    "The connection was lost between the end of a transaction and the server's answer: it was stored, or it was not.",
  statement:
    "The connection was lost while a statement outside a transaction ran: it took effect, or it did not.",
};

const HELP: Readonly<Record<Unknown, string>> = {
  transaction: "Look for what the transaction wrote before it is run again.",
  statement: "Look for what the statement wrote before it is sent again.",
};

/** The error of a statement whose outcome nobody knows. */
export function outcomeUnknownError(unknown: Unknown, cause: unknown): PolicyError {
  const message = `${WHAT[unknown]}${inWords(cause)}`;
  return new PolicyError(outcomeRule(unknown), message, { hint: HELP[unknown], cause });
}

/** The report of it. */
export function outcomeUnknownDraft(unknown: Unknown, action: ViolationAction): ViolationDraft {
  return { rule: outcomeRule(unknown), action, message: WHAT[unknown], help: HELP[unknown] };
}

/** The error of a statement that was not sent, because the connection had been lost; in pg's own words, with the reason. */
export function notSentError(cause: unknown): Error {
  const error = new Error(`${NOT_QUERYABLE}: the statement was not sent.${inWords(cause)}`, {
    cause,
  });
  carryExplanation(error);
  return error;
}

function inWords(cause: unknown): string {
  return cause instanceof Error && cause.message !== ""
    ? ` What came last: ${cause.message.replace(/[^.?!]$/, "$&.")}`
    : "";
}

/** A limit by which a server, or a pooler before it, ends a block on its own. */
export interface ServerLimit {
  readonly name: string;
  readonly by: "server" | "pooler";
  readonly over: string;
  readonly ms: number;
}

/** The limit, where an error says that one has ended the block. */
export function serverLimitOf(
  { code, kind }: { readonly code: unknown; readonly kind: string | undefined },
  limits: BlockLimits,
): ServerLimit | undefined {
  const idle = "no statement ran in it for longer than";
  const total = "it was open for longer than";
  if (code === "25P03") {
    const ms = limits.serverIdleTimeoutMs;
    return { name: "idle_in_transaction_session_timeout", by: "server", over: idle, ms };
  }
  if (code === "25P04") return { name: "transaction_timeout", by: "server", over: total, ms: 0 };
  if (kind === "pooler.idle-transaction-timeout") {
    return { name: "idle_transaction_timeout", by: "pooler", over: idle, ms: 0 };
  }
  return undefined;
}

/** The answer to the statements that follow a block which the server's own limit has ended. */
export function endedByServerError(
  { name, by, over, ms }: ServerLimit,
  block: OpenBlock,
  cause: unknown,
): PolicyError {
  const limit = ms > 0 ? `${name} (${ms} ms)` : name;
  return new PolicyError(
    "transaction/ended-by-server",
    `The ${by} rolled this transaction back and closed its connection: ${over} its ${limit} allows.${openedAt(block.site)}`,
    {
      hint: "Look for what kept this process from sending the next statement: work that blocks the event loop, or waiting inside the transaction.",
      cause,
    },
  );
}

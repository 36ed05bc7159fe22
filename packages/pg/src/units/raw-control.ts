import {
  mayControlTransaction,
  PolicyError,
  scrubStatement,
  transactionControlsIn,
} from "@doorpolicy/core";

import type { Guard } from "../guard.ts";

/**
 * A text of `pool.query()` that leaves a transaction open, or ends one that it has not begun: the next
 * statement goes to another connection. A script with a BEGIN and its end in one text is whole.
 */
export function rawControlProblem(text: string | undefined, guard: Guard): Error | undefined {
  if (text === undefined || !mayControlTransaction(text) || isWhole(text)) return undefined;
  const rule = "transaction/no-raw-control";
  const response = guard.response(rule, text);
  if (response === "nothing") return undefined;
  const message =
    "A transaction was begun or ended through `pool.query()`, which gives each statement a connection of its own: what comes next would not be in it.";
  const help = "Use `transaction(fn)`, or take a client with `pool.connect()` for the whole of it.";
  const action = response === "act" ? "refused" : "would-have";
  guard.report({ rule, action, message, help, statement: scrubStatement(text) }, text);
  return response === "act" ? new PolicyError(rule, message, { hint: help }) : undefined;
}

function isWhole(text: string): boolean {
  let isOpen = false;
  for (const control of transactionControlsIn(text)) {
    if (!control.isUnderstood) continue;
    switch (control.kind) {
      case "begin":
        isOpen = true;
        break;
      case "commit":
      case "rollback":
        if (!isOpen) return false;
        isOpen = control.chain;
        break;
      case "prepare-transaction":
        if (!isOpen) return false;
        isOpen = false;
        break;
      default:
        break;
    }
  }
  return !isOpen;
}

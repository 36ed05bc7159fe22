import { transactionControlsIn } from "@doorpolicy/core";

import { controlTextOf } from "../driver/query-forms.ts";
import {
  type PgClient,
  type PgQueryConstructor,
  sentQueriesOf,
  unsentQueriesOf,
} from "../driver/pg-internals.ts";

/** What of a connection's guard says whether a block is open. */
interface BlockTruth {
  readonly status: "I" | "T" | "E";
  readonly isAtRest: boolean;
}

/**
 * Whether a statement that is given to the connection now will run inside a block. Between statements the
 * server has said it; while others are on their way or wait for their turn, they are read: `BEGIN` may be
 * one of them, and its answer still to come. Each is taken to succeed.
 */
export function willBeInBlock(
  client: PgClient,
  { status, isAtRest }: BlockTruth,
  Query: PgQueryConstructor,
): boolean {
  let isOpen = status !== "I";
  if (isAtRest) return isOpen;
  for (const query of [...sentQueriesOf(client), ...unsentQueriesOf(client)]) {
    isOpen = isOpenAfter(controlTextOf(query, Query) ?? query.text ?? "", isOpen);
  }
  return isOpen;
}

function isOpenAfter(text: string, before: boolean): boolean {
  let isOpen = before;
  for (const control of transactionControlsIn(text)) {
    switch (control.kind) {
      case "begin":
        isOpen = true;
        break;
      case "commit":
      case "rollback":
        isOpen = control.chain;
        break;
      case "prepare-transaction":
        isOpen = false;
        break;
      default:
        break;
    }
  }
  return isOpen;
}

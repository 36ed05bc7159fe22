import type { Phrase } from "./phrase.ts";

/** How strongly a transaction is kept apart from others, in the server's own words. */
export type IsolationLevel =
  | "read uncommitted"
  | "read committed"
  | "repeatable read"
  | "serializable";

/** The modes that a statement names; one that it does not name is left to the session's default. */
export interface TransactionModes {
  readonly isolation?: IsolationLevel;
  readonly readOnly?: boolean;
  readonly deferrable?: boolean;
}

/** Reads modes with commas or without, none as well. Of a mode named twice the last counts, as in the server. */
export function readTransactionModes(phrase: Phrase): TransactionModes {
  let modes: TransactionModes = {};
  let next = readMode(phrase);
  while (next !== undefined) {
    modes = { ...modes, ...next };
    const isExpected = phrase.acceptSign(",");
    next = readMode(phrase);
    phrase.expect(!isExpected || next !== undefined);
  }
  return modes;
}

function readMode(phrase: Phrase): TransactionModes | undefined {
  switch (phrase.acceptOneOf("isolation", "read", "not", "deferrable")) {
    case "isolation":
      phrase.expect(phrase.accept("level"));
      return readLevel(phrase);
    case "read": {
      const access = phrase.acceptOneOf("only", "write");
      phrase.expect(access !== undefined);
      return { readOnly: access === "only" };
    }
    case "not":
      phrase.expect(phrase.accept("deferrable"));
      return { deferrable: false };
    case "deferrable":
      return { deferrable: true };
    default:
      return undefined;
  }
}

function readLevel(phrase: Phrase): TransactionModes {
  switch (phrase.acceptOneOf("serializable", "repeatable", "read")) {
    case "serializable":
      return { isolation: "serializable" };
    case "repeatable":
      phrase.expect(phrase.accept("read"));
      return { isolation: "repeatable read" };
    case "read": {
      const read = phrase.acceptOneOf("committed", "uncommitted");
      phrase.expect(read !== undefined);
      return { isolation: `read ${read ?? "committed"}` };
    }
    default:
      phrase.expect(false);
      return {};
  }
}

import type { StatementFinding } from "./finding.ts";

/** RDS Proxy pins on any text above this (its documentation, "Avoiding pinning an RDS Proxy"). */
const LONG_STATEMENT_BYTES = 16 * 1024;

/**
 * A text that is so long that the pooler keeps its server connection for this one client. Reads no more
 * than the length: a UTF-16 unit is one to three bytes, and the byte count is asked only in between.
 */
export function longStatementFinding(
  text: string,
  byteLength: (text: string) => number,
): StatementFinding | undefined {
  if (text.length * 3 <= LONG_STATEMENT_BYTES) return undefined;
  const isLong = text.length > LONG_STATEMENT_BYTES || byteLength(text) > LONG_STATEMENT_BYTES;
  if (!isLong) return undefined;
  return {
    rule: "session-state/pins-connection",
    level: "warn",
    message:
      "The text of the statement is longer than 16 KB: the proxy keeps a server connection for this client alone until it disconnects.",
    help: "Bind values instead of writing them into the text, or send them in smaller parts.",
    effect: undefined,
  };
}

import type { Capability } from "../capability.ts";
import type { StatementFinding } from "./finding.ts";

/**
 * A statement with a name in the protocol, where the pooler does not carry it to the next server
 * connection: 42P05 or 26000, at random. The run-time side of the static rule of the same id.
 */
export function noNamedFinding(
  has: (capability: Capability) => boolean,
): StatementFinding | undefined {
  if (has("tracks-named-statements") || has("session-state")) return undefined;
  return {
    rule: "statements/no-named",
    level: "refuse",
    message:
      "The statement has a name, which stays on a server connection that other clients use next: they meet a statement that is not theirs (42P05), and this client does not find its own (26000).",
    help: "Remove `name` from the query, or say that the pooler tracks named statements: `pooler: { version, settings: { maxPreparedStatements } }`.",
    effect: undefined,
  };
}

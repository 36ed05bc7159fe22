import type { ClientId } from "./client.ts";
import type { Outcome } from "./run-scenario.ts";

/** One line of `--json`. */
export interface ScenarioRecord {
  readonly scenario: string;
  readonly client: ClientId;
  readonly server: string;
  readonly result: "pass" | "fail" | "skip";
  /** Empty for what passed. */
  readonly reason: string;
}

/** An outcome as a record. */
export function recordOf(
  scenario: string,
  client: ClientId,
  server: string,
  outcome: Outcome,
): ScenarioRecord {
  const reason = outcome.result === "pass" ? "" : outcome.reason;
  return { scenario, client, server, result: outcome.result, reason };
}

import type { ClientUnderTest } from "./client.ts";
import type { Reporter } from "./reporter.ts";
import { type Outcome, runScenario } from "./run-scenario.ts";
import { type RunningServer, startServer } from "./running-server.ts";
import type { Scenario } from "./scenario.ts";
import type { ServerSpec } from "./server.ts";
import { unavailability } from "./unavailability.ts";

/** What is run against one server. */
export interface ServerRun {
  readonly clients: readonly ClientUnderTest[];
  readonly scenarios: readonly Scenario[];
  readonly guarded: boolean;
  readonly allowDownload: boolean;
}

/**
 * Starts a server, runs every scenario with every client on it, and stops it. A server that cannot
 * be had on this machine skips all of them, with the reason.
 */
export async function runServer(
  spec: ServerSpec,
  { clients, scenarios, guarded, allowDownload }: ServerRun,
  reporter: Reporter,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  function note(scenario: Scenario, client: ClientUnderTest, outcome: Outcome): void {
    outcomes.push(outcome);
    reporter.ran(scenario, client, spec, outcome);
  }

  let started: RunningServer;
  try {
    started = await startServer(spec, { allowDownload });
  } catch (error) {
    const reason = unavailability(error);
    if (reason === undefined) throw error;
    for (const client of clients) {
      for (const scenario of scenarios) note(scenario, client, { result: "skip", reason });
    }
    return outcomes;
  }

  await using server = started;
  reporter.started(server);
  for (const client of clients) {
    for (const scenario of scenarios) {
      note(scenario, client, await runScenario(scenario, client, server, { guarded }));
    }
  }
  return outcomes;
}

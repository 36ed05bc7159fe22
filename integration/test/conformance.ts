import { afterAll, beforeAll, describe, test } from "vitest";
import { clients } from "../src/clients/registry.ts";
import { runScenario } from "../src/run-scenario.ts";
import { type RunningServer, startServer } from "../src/running-server.ts";
import { scenarios } from "../src/scenarios/registry.ts";
import { servers } from "../src/server.ts";
import { unavailability } from "../src/unavailability.ts";

/** Above the suite's own limit, which tells more. */
const TEST_LIMIT_MS = 40_000;

/** Every scenario × every client on one server, in one worker: they share its servers in turns. */
export function conformance(serverId: string): void {
  const spec = servers.find(({ id }) => id === serverId);
  if (spec === undefined) throw new Error(`No server of the suite is called ${serverId}.`);
  let server: RunningServer | undefined;
  let absent: string | undefined;

  beforeAll(async () => {
    try {
      server = await startServer(spec, { allowDownload: true });
    } catch (error) {
      absent = unavailability(error);
      if (absent === undefined) throw error;
    }
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  for (const client of clients) {
    describe(`${client.title}, ${spec.title}`, () => {
      for (const scenario of scenarios) {
        test(
          scenario.title,
          async ({ skip }) => {
            // `skip` throws.
            const running = server ?? skip(absent);
            const outcome = await runScenario(scenario, client, running, { guarded: true });
            if (outcome.result === "skip") skip(outcome.reason);
            if (outcome.result === "fail") {
              throw new Error(`${outcome.reason}\n\n${outcome.log}`, { cause: outcome.error });
            }
          },
          TEST_LIMIT_MS,
        );
      }
    });
  }
}

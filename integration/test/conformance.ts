import { afterAll, beforeAll, describe, test } from "vitest";
import type { ClientId } from "../src/client.ts";
import { clients } from "../src/clients/registry.ts";
import { runScenario } from "../src/run-scenario.ts";
import { type RunningServer, startServer } from "../src/running-server.ts";
import { scenarios } from "../src/scenarios/registry.ts";
import type { Scenario } from "../src/scenario.ts";
import { servers } from "../src/server.ts";
import { unavailability } from "../src/unavailability.ts";

/** Above the suite's own limit, which tells more. */
const TEST_LIMIT_MS = 40_000;

/** The cut of `npm test`: one client of each ORM, both on pg, without what takes long. */
export function isInCut(client: ClientId, { wide }: Scenario): boolean {
  return wide !== true && (client === "typeorm-1" || client === "prisma-7");
}

/**
 * Scenarios × clients on one server, in one worker: they share its servers in turns. `isMeant` says
 * which; all of them otherwise.
 */
export function conformance(
  serverId: string,
  isMeant: (client: ClientId, scenario: Scenario) => boolean = () => true,
): void {
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
    if (!scenarios.some((one) => isMeant(client.id, one))) continue;
    describe(`${client.title}, ${spec.title}`, () => {
      for (const scenario of scenarios.filter((one) => isMeant(client.id, one))) {
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

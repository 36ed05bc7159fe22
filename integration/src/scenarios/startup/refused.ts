import assert from "node:assert/strict";
import { policyError, rejection } from "../../expect.ts";
import type { Scenario, ScenarioOpen, World } from "../../scenario.ts";

const feature = "Startup parameters that cannot hold are refused in words";

/** What changes results or rights is refused before a socket is opened. */
export const startupRefusals: readonly Scenario[] = [
  {
    id: "startup/options-refused",
    title: "refuses an isolation default in its options before it connects",
    feature,
    serverNeeds: ["refuses-startup-parameters"],
    async run(world) {
      const startup = { options: "-c default_transaction_isolation=serializable" };

      const message = await refusal(world, { own: { startup } });

      assert.match(message, /default_transaction_isolation/);
    },
  },
  {
    id: "startup/search-path-refused",
    title: "refuses a search_path in its URL before it connects",
    feature,
    serverNeeds: ["refuses-startup-parameters"],
    async run(world) {
      const urlParameters = { options: "-c search_path=elsewhere" };

      const message = await refusal(world, { urlParameters });

      assert.match(message, /search_path/);
    },
  },
  {
    id: "startup/environment-refused",
    title: "refuses a role in PGOPTIONS before it connects, and names the variable",
    feature,
    serverNeeds: ["refuses-startup-parameters"],
    async run(world) {
      world.setEnvironment({ PGOPTIONS: "-c role=auditor" });

      const message = await refusal(world, {});

      assert.match(message, /role/);
      assert.match(message, /PGOPTIONS/);
    },
  },
];

/** Some clients refuse when they are set up, some when they connect first; none reaches the pooler. */
async function refusal({ open, server }: World, options: ScenarioOpen): Promise<string> {
  const endOfLog = server.markLogs();
  const attempt = open(options).then((db) => db.query("select 1 as one"));
  const error = policyError(await rejection("Connecting", attempt), "startup/refused");
  // The admin console answers after everything that came before, so the log is complete by now.
  await server.connections();
  assert.doesNotMatch(endOfLog(), /login attempt: db=app|unsupported startup parameter/);
  return error.message;
}

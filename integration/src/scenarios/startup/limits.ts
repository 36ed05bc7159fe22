import assert from "node:assert/strict";
import { reported } from "../../expect.ts";
import type { OpenClient } from "../../client.ts";
import type { Scenario } from "../../scenario.ts";
import { setting } from "../ask.ts";

const feature = "Limits in startup parameters hold in blocks";

/** Limits that a service sets in the startup packet are translated to what works behind the pooler. */
export const startupLimits: readonly Scenario[] = [
  {
    id: "startup/limit-in-options",
    title: "connects with statement_timeout in its options, and has it in blocks and nowhere else",
    feature,
    serverNeeds: ["refuses-startup-parameters"],
    async run({ open }) {
      const db = await open({ own: { startup: { statement_timeout: 4_000 } } });

      const { inside, outside } = await insideAndOutside(db, "statement_timeout");

      assert.deepEqual({ inside, outside }, { inside: "4s", outside: "0" });
      // Statements outside blocks have lost their limit, and somebody has to say so.
      assert.equal((await reported(db.violations, "transaction/limits")).action, "translated");
    },
  },
  {
    id: "startup/limit-in-url",
    title: "connects with lock_timeout in its URL, and has it in blocks and nowhere else",
    feature,
    serverNeeds: ["refuses-startup-parameters"],
    async run({ open }) {
      const db = await open({ urlParameters: { lock_timeout: "3000" } });

      const { inside, outside } = await insideAndOutside(db, "lock_timeout");

      assert.deepEqual({ inside, outside }, { inside: "3s", outside: "0" });
      assert.equal((await reported(db.violations, "transaction/limits")).action, "translated");
    },
  },
  {
    id: "startup/limit-in-environment",
    title: "connects with a limit in PGOPTIONS, and has it in blocks and nowhere else",
    feature,
    serverNeeds: ["refuses-startup-parameters"],
    async run({ open, setEnvironment }) {
      setEnvironment({ PGOPTIONS: "-c statement_timeout=4000" });
      const db = await open();

      const { inside, outside } = await insideAndOutside(db, "statement_timeout");

      assert.deepEqual({ inside, outside }, { inside: "4s", outside: "0" });
      assert.equal((await reported(db.violations, "transaction/limits")).action, "translated");
    },
  },
];

async function insideAndOutside(
  db: OpenClient,
  name: string,
): Promise<{ inside: unknown; outside: unknown }> {
  const inside = await db.block((block) => block.query(setting(name)));
  const outside = await db.query(setting(name));
  return { inside: inside[0]?.["value"], outside: outside[0]?.["value"] };
}

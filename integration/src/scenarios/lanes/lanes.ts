import assert from "node:assert/strict";
import { eventually } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, setting } from "../ask.ts";

/** Ways to the same database: around the pooler, and to its replicas. */
export const lanes: readonly Scenario[] = [
  {
    id: "lanes/direct",
    title: "is named on the direct lane too, and keeps its startup parameters there",
    feature: "The direct lane is named and otherwise left alone",
    serverNeeds: ["pooler"],
    async run({ open, server, name }) {
      const db = await open({ lane: "direct", own: { startup: { statement_timeout: 4_000 } } });

      const [timeout] = await db.query(setting("statement_timeout"));
      const [called] = await db.query(setting("application_name"));

      assert.equal(timeout?.["value"], "4s");
      assert.equal(called?.["value"], name);
      assert.deepEqual(await server.connections(), []);
      assert.deepEqual(db.violations, []);
    },
  },
  {
    id: "lanes/direct-limits",
    title: "lets statements take as long as they need on the direct lane, and limits their locks",
    feature: "The direct lane is named and otherwise left alone",
    async run({ open }) {
      const transaction = { statementTimeoutMs: 4_000, lockTimeoutMs: 3_000 };
      const db = await open({ lane: "direct", policy: { transaction } });

      const limits = await db.block(async (block) => [
        ...(await block.query(setting("statement_timeout"))),
        ...(await block.query(setting("lock_timeout"))),
      ]);

      assert.deepEqual(
        limits.map((row) => row["value"]),
        ["0", "3s"],
      );
    },
  },
  {
    id: "lanes/replicas",
    title: "reads from its replica under the same name, and leaves no connection behind there",
    feature: "Replicas follow the policy",
    clientNeeds: ["replicates"],
    serverNeeds: ["pooler"],
    async run({ open, server, name }) {
      const db = await open({ own: { replicaUrls: [server.replicaUrl] } });
      await db.insert("read", ["one"]);
      const endOfStatements = server.markStatements();
      const endOfLog = server.markLogs();

      const found = await db.find("read");

      assert.deepEqual(found, { number: "read", total: 0, lines: ["one"] });
      const names = (await endOfStatements()).map(({ applicationName }) => applicationName);
      assert.deepEqual([...new Set(names)], [name]);
      const replica = new URL(server.replicaUrl).pathname.slice(1);
      assert.match(endOfLog(), new RegExp(`login attempt: db=${replica} `));
      await eventually(async () => assert.deepEqual(await server.connections(), []));
      assert.deepEqual(await durable(server), ["read"]);
    },
  },
];

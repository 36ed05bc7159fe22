import assert from "node:assert/strict";
import { rejection, reported } from "../../expect.ts";
import type { OpenClient } from "../../client.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, idleInTransaction } from "../ask.ts";

const feature = "Observing reports and leaves alone";

/** How a policy is added to a running service. */
export const observe: readonly Scenario[] = [
  {
    id: "modes/observe-same-statements",
    title: "sends exactly the statements that the plain client sends when it observes",
    feature,
    policyOnly: true,
    async run({ open, server }) {
      const endOfPlain = server.markStatements();
      await day(await open({ plain: true }));
      const plain = (await endOfPlain()).map(({ text }) => text);
      await server.reset();

      const endOfObserved = server.markStatements();
      await day(await open({ policy: { mode: "observe" } }));
      const observed = (await endOfObserved()).map(({ text }) => text);

      assert.ok(plain.length >= 10, `${plain.length} statements were logged.`);
      assert.deepEqual(observed, plain);
    },
  },
  {
    id: "modes/observe-idle-block",
    title: "reports an idle block and leaves it open when it observes",
    feature,
    policyOnly: true,
    async run({ open, server }) {
      const db = await open({ policy: { mode: "observe", transaction: { idleTimeoutMs: 300 } } });
      const block = await db.leakBlock("leaked");

      const { action } = await reported(db.violations, "transaction/idle");

      assert.equal(action, "would-have");
      assert.equal((await idleInTransaction(server)).length, 1);
      await block.query("select 1 as one");
    },
  },
  {
    id: "modes/observe-lost-commit",
    title: "reports a COMMIT answered with ROLLBACK and lets the block resolve when it observes",
    feature,
    policyOnly: true,
    async run({ open, server }) {
      const db = await open({ policy: { mode: "observe" } });

      await db.block(async (block) => {
        await block.insert("lost");
        await block.query("select 1 / 0").catch(() => {});
      });

      assert.deepEqual(await durable(server), []);
      assert.deepEqual(
        db.violations.map(({ action }) => action),
        ["would-have"],
      );
    },
  },
  {
    id: "modes/observe-never-hands-on",
    title: "rolls back what a bare BEGIN left open also when it observes",
    feature: "No open transaction is handed to a stranger",
    async run({ open, server }) {
      const db = await open({ policy: { mode: "observe" } });
      await db.query("BEGIN");

      await db.query("insert into invoice (number) values ('acknowledged')");

      assert.deepEqual(await durable(server), ["acknowledged"]);
      await reported(db.violations, "transaction/left-open");
    },
  },
];

/** A little of everything, one statement after another, so that the order is the same each time. */
async function day(db: OpenClient): Promise<void> {
  await db.insert("first", ["one", "two"]);
  await db.find("first");
  await db.setTotal("first", 10);
  await db.block(async (block) => {
    await block.insert("second");
    await rejection(
      "The inner block",
      block.nested((inner) => inner.query("select 1 / 0")),
    );
    await block.setTotal("second", 20);
  });
  await db.block((block) => block.query("select 1 as one"), { isolation: "serializable" });
  await rejection(
    "The block",
    db.block((block) => block.query("select 1 / 0")),
  );
  await rejection("The query", db.query("select 1 / 0"));
  await db.remove("second");
  await db.close();
}

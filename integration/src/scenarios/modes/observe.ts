import assert from "node:assert/strict";
import { rejection, reported } from "../../expect.ts";
import type { OpenClient } from "../../client.ts";
import type { Scenario } from "../../scenario.ts";
import { transaction, unitOfWork } from "@doorpolicy/pg";
import { door, durable, idleInTransaction, setting } from "../ask.ts";

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
  {
    id: "modes/observe-after-end",
    title:
      "reports a statement that comes after its transaction() and lets it run when it observes",
    feature,
    policyOnly: true,
    async run({ open, server }) {
      const db = await open({ policy: { mode: "observe" } });
      const ended = door();
      let straggler: Promise<void> = Promise.resolve();

      await transaction(async () => {
        await db.insert("inside");
        straggler = ended.opened.then(() => db.insert("outside"));
      });
      ended.open();
      await straggler;

      assert.deepEqual(await durable(server), ["inside", "outside"]);
      const { action } = await reported(db.violations, "transaction/after-end");
      assert.equal(action, "would-have");
    },
  },
  ...(["observe", "bypass"] as const).map((mode): Scenario => ({
    id: `modes/${mode}-keeps-units`,
    title: `keeps transactions whole and a unit's settings in it also in mode ${mode}`,
    feature: "Units of work hold in every mode",
    async run({ open, server }) {
      const db = await open({ policy: { mode } });

      const work = transaction(async () => {
        await db.insert("lost");
        await db.block((block) => block.insert("lost, too"));
        throw new Error("the service's own");
      });
      await rejection("The transaction", work);
      const tenants = await unitOfWork({ setLocal: { "app.tenant": "acme" } }, async () => [
        await db.query(setting("app.tenant")),
        await db.block((block) => block.query(setting("app.tenant"))),
        await idleInTransaction(server),
      ]);

      assert.deepEqual(await durable(server), []);
      assert.deepEqual(tenants, [[{ value: "acme" }], [{ value: "acme" }], []]);
    },
  })),
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
  // What enforcing would have refused, or made an error of.
  await db.block(async (block) => {
    await block.insert("swallowed");
    await block.query("select 1 / 0").catch(() => {});
  });
  await db.block(async (block) => {
    await block.insert("ended by hand");
    await block.query("commit");
  });
  await db.remove("second");
  await db.close();
}

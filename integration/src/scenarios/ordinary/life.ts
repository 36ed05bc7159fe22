import assert from "node:assert/strict";
import { rejection } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, setting } from "../ask.ts";

const feature = "Ordinary life";

/** What a service did before it had a policy, and goes on doing. */
export const ordinaryLife: readonly Scenario[] = [
  {
    id: "ordinary/crud",
    title: "writes, reads, changes and removes a row through its model API",
    feature,
    ordinary: true,
    async run({ open, server }) {
      const db = await open();

      await db.insert("kept");
      await db.insert("removed");
      await db.setTotal("kept", 42);
      await db.remove("removed");

      assert.deepEqual(await db.find("kept"), { number: "kept", total: 42, lines: [] });
      assert.equal(await db.find("removed"), undefined);
      assert.deepEqual(await durable(server), ["kept"]);
      assert.deepEqual(db.violations, []);
    },
  },
  {
    id: "ordinary/nested-write",
    title: "writes a row with its relations at once and reads them back",
    feature,
    ordinary: true,
    async run({ open }) {
      const db = await open();

      await db.insert("nested", ["first", "second", "third"]);

      const lines = ["first", "second", "third"];
      assert.deepEqual(await db.find("nested"), { number: "nested", total: 0, lines });
      assert.deepEqual(db.violations, []);
    },
  },
  {
    id: "ordinary/forty-at-once",
    title: "serves forty requests at once, half of them in blocks",
    feature,
    ordinary: true,
    async run({ open, server }) {
      const db = await open();

      const requests = Array.from({ length: 40 }, (_, index) =>
        index % 2 === 0
          ? db.insert(`alone-${index}`)
          : db.block(async (block) => {
              await block.insert(`block-${index}`);
              await block.setTotal(`block-${index}`, index);
            }),
      );
      await Promise.all(requests);

      assert.equal((await durable(server)).length, 40);
      assert.deepEqual(db.violations, []);
    },
  },
  {
    id: "ordinary/block-rolls-back",
    title: "takes a block back whose callback throws, and passes its error on",
    feature,
    ordinary: true,
    async run({ open, server }) {
      const db = await open();
      const change = new Error("the customer changed their mind");

      const block = db.block(async (inside) => {
        await inside.insert("taken-back", ["one"]);
        throw change;
      });

      assert.equal(await rejection("The block", block), change);
      assert.deepEqual(await durable(server), []);
      assert.deepEqual(db.violations, []);
    },
  },
  {
    id: "ordinary/nested-blocks",
    title: "takes back an inner block and keeps the outer one",
    feature,
    ordinary: true,
    async run({ open, server }) {
      const db = await open();

      await db.block(async (outer) => {
        await outer.insert("outer");
        await outer.nested((inner) => inner.insert("kept"));
        const failing = outer.nested(async (inner) => {
          await inner.insert("taken-back");
          await inner.query("select 1 / 0");
        });
        await rejection("The inner block", failing);
        await outer.insert("after");
      });

      assert.deepEqual(await durable(server), ["after", "kept", "outer"]);
      assert.deepEqual(db.violations, []);
    },
  },
  {
    id: "ordinary/isolation",
    title: "runs a block at the isolation level that it asks for",
    feature,
    ordinary: true,
    async run({ open }) {
      const db = await open({ policy: { transaction: { statementTimeoutMs: 4_000 } } });

      const levels: unknown[] = [];
      for (const isolation of ["serializable", "repeatable read"] as const) {
        const read = setting("transaction_isolation");
        const rows = await db.block((block) => block.query(read), { isolation });
        levels.push(rows[0]?.["value"]);
      }
      const [outside] = await db.query(setting("transaction_isolation"));

      assert.deepEqual(levels, ["serializable", "repeatable read"]);
      assert.equal(outside?.["value"], "read committed");
    },
  },
  {
    id: "ordinary/big-result",
    title: "reads a result of eight megabytes",
    feature,
    ordinary: true,
    async run({ open }) {
      const db = await open();

      const rows = await db.query(
        "select n, repeat('x', 400) as text from generate_series(1, 20000) as n",
      );

      assert.equal(rows.length, 20_000);
      assert.equal(rows.at(-1)?.["n"], 20_000);
    },
  },
  {
    id: "ordinary/error-keeps-its-code",
    title: "passes the server's own error on with its code",
    feature,
    ordinary: true,
    async run({ open }) {
      const db = await open();
      await db.insert("twice");

      const error = await rejection("The second row", db.insert("twice"));

      // 23505 for pg and TypeORM; Prisma's own name of it is P2002.
      assert.match(String(Reflect.get(Object(error), "code")), /^(?:23505|P2002)$/);
    },
  },
];

import assert from "node:assert/strict";
import { transaction, unitOfWork } from "@doorpolicy/pg";
import { eventually, policyError, rejection, reported } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { door, durable, idleInTransaction, sleep } from "../ask.ts";

const LATE = "Work that nobody awaits escapes no transaction()";
const RAW = "Transaction control by hand does not break a transaction()";

/** What is not awaited, comes too late, or controls the transaction by itself. */
export const late: readonly Scenario[] = [
  {
    id: "units/after-end",
    title: "refuses a statement that comes after its transaction() has ended",
    feature: LATE,
    async run({ open, server }) {
      const db = await open();
      const ended = door();
      let straggler: Promise<unknown> = Promise.resolve();

      await transaction(async () => {
        await db.insert("inside");
        straggler = rejection(
          "The straggler",
          ended.opened.then(() => db.insert("outside")),
        );
        straggler.catch(() => {});
      });
      ended.open();

      policyError(await straggler, "transaction/ended");
      assert.deepEqual(await durable(server), ["inside"]);
    },
  },
  {
    id: "units/unawaited-then-failed",
    title: "stores nothing of a nested write that nobody awaits in a transaction() that fails",
    feature: LATE,
    async run({ open, server }) {
      const db = await open();
      let straggler: Promise<unknown> = Promise.resolve();

      const work = transaction(async () => {
        await db.insert("inside");
        straggler = db.insert("cascade", ["a", "b", "c"]).catch(() => {});
        throw new Error("the service's own");
      });

      await rejection("The transaction", work);
      await straggler;
      assert.deepEqual(await durable(server), []);
    },
  },
  {
    id: "units/unawaited-nested-write",
    title: "stores all of a nested write that nobody awaits, or none of it",
    feature: LATE,
    async run({ open, server }) {
      const db = await open();
      let straggler: Promise<unknown> = Promise.resolve();

      const [outcome] = await Promise.allSettled([
        transaction(async () => {
          await db.insert("inside");
          straggler = db.insert("cascade", ["a", "b", "c"]).catch(() => {});
          assert.deepEqual(await durable(server), []);
        }),
      ]);
      await straggler;

      const [row] = await server.rows(`
        select (select count(*)::int from invoice) as invoices,
               (select count(*)::int from invoice_line) as lines`);
      const all = { invoices: 2, lines: 3 };
      const onlyAwaited = { invoices: 1, lines: 0 };
      const none = { invoices: 0, lines: 0 };
      assert.ok(
        (outcome.status === "fulfilled" ? [all, onlyAwaited] : [none]).some(
          (whole) => JSON.stringify(whole) === JSON.stringify(row),
        ),
        `${outcome.status}, and stored is ${JSON.stringify(row)}`,
      );
    },
  },
  {
    id: "units/unawaited-too-long",
    title: "rolls back a transaction() whose function has left a statement running",
    feature: LATE,
    async run({ open, server }) {
      const db = await open({ policy: { units: { settleTimeoutMs: 200 } } });
      let straggler: Promise<unknown> = Promise.resolve();

      const work = transaction(async () => {
        await db.insert("inside");
        straggler = db.query(sleep(3_000)).catch(() => {});
      });

      policyError(await rejection("The transaction", work), "unit/unawaited-work");
      assert.deepEqual(await durable(server), []);
      await straggler;
    },
  },
  {
    id: "units/raw-commit",
    title: "refuses a COMMIT by hand in a transaction(), in any spelling",
    feature: RAW,
    async run({ open, server }) {
      const db = await open();
      const spellings = [
        "commit",
        "/* a comment */ END",
        "-- a comment\n COMMIT WORK;",
        "select 1; commit",
        "rollback",
        "ABORT",
      ];

      for (const spelling of spellings) {
        const work = transaction(async () => {
          await db.insert("whole");
          await db.query(spelling);
        });
        policyError(
          await rejection(`A transaction with ${spelling}`, work),
          "transaction/no-raw-control",
        );
      }

      assert.deepEqual(await durable(server), []);
    },
  },
  {
    id: "units/savepoint-by-hand",
    title: "leaves savepoints by hand alone in a transaction()",
    feature: RAW,
    async run({ open, server }) {
      const db = await open();

      const meanwhile = await transaction(async () => {
        await db.insert("kept");
        await db.query("savepoint mine");
        await db.insert("undone");
        await db.query("rollback to savepoint mine");
        return durable(server);
      });

      assert.deepEqual(meanwhile, []);
      assert.deepEqual(await durable(server), ["kept"]);
    },
  },
  {
    id: "units/second-lane",
    title: "refuses a statement in a transaction() that would be stored outside of it",
    feature: "A transaction() knows its target",
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      const db = await open();
      const direct = await open({ lane: "direct" });

      const work = transaction(async () => {
        await db.insert("first");
        await direct.insert("elsewhere");
      });

      policyError(await rejection("The transaction", work), "transaction/second-target");
      assert.deepEqual(await durable(server), []);
    },
  },
  {
    id: "units/late-work",
    title: "runs what comes after a unitOfWork() outside of it, and says so once",
    feature: LATE,
    policyOnly: true,
    async run({ open, server }) {
      const db = await open();
      const ended = door();
      let straggler: Promise<unknown> = Promise.resolve();

      await unitOfWork({ label: "GET /invoices" }, async () => {
        await db.insert("inside");
        straggler = ended.opened.then(async () => {
          await db.insert("outside");
          await db.insert("outside, again");
        });
      });
      ended.open();
      await straggler;

      assert.deepEqual(await durable(server), ["inside", "outside", "outside, again"]);
      assert.match((await reported(db.violations, "unit/late-work")).message, /GET \/invoices/);
    },
  },
  {
    id: "units/never-ended",
    title: "leaves no transaction open whose function never comes to an end",
    feature: LATE,
    async run({ open, server }) {
      const db = await open({ policy: { transaction: { idleTimeoutMs: 500 } } });
      const inserted = door();
      const never = door();

      const work = transaction(async () => {
        await db.insert("lost");
        inserted.open();
        await never.opened;
      });
      await inserted.opened;
      const whileIdle = await idleInTransaction(server);

      assert.equal(whileIdle.length, 1);
      await eventually(async () => assert.deepEqual(await idleInTransaction(server), []));
      assert.deepEqual(await durable(server), []);
      never.open();
      policyError(await rejection("The transaction", work), "transaction/ended-by-policy");
    },
  },
];

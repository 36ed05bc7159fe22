import assert from "node:assert/strict";
import { afterCommit, detached, transaction } from "@doorpolicy/pg";
import { eventually, policyError, rejection } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { door, durable, idleInTransaction } from "../ask.ts";

const FEATURE = "A transaction() is all or nothing";
const ORM_BLOCKS = "An ORM's own block joins a transaction()";

/** `transaction()` around whatever a client does: rows that are stored together or not at all. */
export const whole: readonly Scenario[] = [
  {
    id: "units/rolled-back",
    title: "stores nothing of a transaction() that fails",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();
      const failed = new Error("the service's own");

      const work = transaction(async () => {
        await db.insert("first");
        await db.insert("second", ["a", "b"]);
        throw failed;
      });

      assert.equal(await rejection("The transaction", work), failed);
      assert.deepEqual(await durable(server), []);
      assert.deepEqual(await idleInTransaction(server), []);
    },
  },
  {
    id: "units/committed",
    title: "shows nobody the rows of a transaction() before its end, and stores all of them",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();

      const meanwhile = await transaction(async () => {
        await db.insert("first");
        await db.insert("second", ["a", "b"]);
        assert.equal((await db.find("second"))?.lines.length, 2);
        return durable(server);
      });

      assert.deepEqual(meanwhile, []);
      assert.deepEqual(await durable(server), ["first", "second"]);
    },
  },
  {
    id: "units/at-once",
    title: "keeps calls that run at once in a transaction() on one connection",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();
      const failed = new Error("the service's own");

      const work = transaction(async () => {
        await Promise.all(["a", "b", "c", "d", "e"].map((number) => db.insert(number, ["line"])));
        throw failed;
      });

      assert.equal(await rejection("The transaction", work), failed);
      assert.deepEqual(await durable(server), []);
    },
  },
  {
    id: "units/orm-block-fails",
    title: "undoes an ORM's own block alone when it fails inside a transaction()",
    feature: ORM_BLOCKS,
    async run({ open, server }) {
      const db = await open();

      const meanwhile = await transaction(async () => {
        await db.insert("outer");
        const inner = db.block(async (block) => {
          await block.insert("inner");
          await block.query("select 1 / 0");
        });
        await rejection("The inner block", inner);
        await db.insert("after");
        return durable(server);
      });

      assert.deepEqual(meanwhile, []);
      assert.deepEqual(await durable(server), ["after", "outer"]);
    },
  },
  {
    id: "units/orm-block-committed",
    title: "takes an ORM's own committed block back when its transaction() fails",
    feature: ORM_BLOCKS,
    async run({ open, server }) {
      const db = await open();
      const failed = new Error("the service's own");

      const work = transaction(async () => {
        await db.block(async (block) => {
          await block.insert("inner");
          await block.nested((nested) => nested.insert("nested"));
        });
        await db
          .block((block) => block.insert("level"), { isolation: "repeatable read" })
          .catch(() => {});
        throw failed;
      });

      assert.equal(await rejection("The transaction", work), failed);
      assert.deepEqual(await durable(server), []);
    },
  },
  {
    id: "units/orm-blocks-at-once",
    title: "keeps ORM blocks that run at once in a transaction() apart: one fails, the others stay",
    feature: ORM_BLOCKS,
    async run({ open, server }) {
      const db = await open();

      const meanwhile = await transaction(async () => {
        const blocks = ["a", "b", "c", "d"].map((number) =>
          db.block(async (block) => {
            await block.insert(number, ["line"]);
            if (number === "b") throw new Error("the service's own");
          }),
        );
        await Promise.allSettled(blocks);
        return durable(server);
      });

      assert.deepEqual(meanwhile, []);
      assert.deepEqual(await durable(server), ["a", "c", "d"]);
    },
  },
  {
    id: "units/stronger-isolation",
    title: "refuses an ORM's block that asks for more isolation than its transaction() has",
    feature: ORM_BLOCKS,
    async run({ open, server }) {
      const db = await open();

      const tooStrong = transaction(async () => {
        await db.insert("outer");
        await db.block((block) => block.insert("inner"), { isolation: "serializable" });
      });
      policyError(
        await rejection("The transaction", tooStrong),
        "transaction/isolation-too-strong",
      );
      await transaction({ isolation: "serializable" }, () =>
        db.block((block) => block.insert("strong enough"), { isolation: "serializable" }),
      );

      assert.deepEqual(await durable(server), ["strong enough"]);
    },
  },
  {
    id: "units/nested",
    title: "undoes an inner transaction() alone when it fails and is caught",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();

      const meanwhile = await transaction(async () => {
        await db.insert("outer");
        const inner = transaction(async () => {
          await db.insert("inner", ["line"]);
          await db.query("select 1 / 0");
        });
        await rejection("The inner transaction", inner);
        await transaction(() => db.insert("kept"));
        return durable(server);
      });

      assert.deepEqual(meanwhile, []);
      assert.deepEqual(await durable(server), ["kept", "outer"]);
    },
  },
  {
    id: "units/swallowed-error",
    title: "fails a transaction() in which the error of a statement was swallowed",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();

      const work = transaction(async () => {
        await db.insert("lost");
        await db.query("select 1 / 0").catch(() => {});
      });

      policyError(await rejection("The transaction", work), "transaction/rolled-back-at-commit");
      assert.deepEqual(await durable(server), []);
    },
  },
  {
    id: "units/autosave",
    title: "undoes a failed statement alone where a transaction() asks for it",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();

      const meanwhile = await transaction({ autosave: "statement" }, async () => {
        await db.insert("kept");
        await db.query("select 1 / 0").catch(() => {});
        await db.insert("kept, too");
        return durable(server);
      });

      assert.deepEqual(meanwhile, []);
      assert.deepEqual(await durable(server), ["kept", "kept, too"]);
    },
  },
  {
    id: "units/detached",
    title: "stores what is detached from a transaction() that fails",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();

      const work = transaction(async () => {
        await db.insert("lost");
        await detached(() => db.insert("kept"));
        throw new Error("the service's own");
      });

      await rejection("The transaction", work);
      assert.deepEqual(await durable(server), ["kept"]);
    },
  },
  {
    id: "units/after-commit",
    title: "calls back after the COMMIT, and never after a ROLLBACK",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();
      const seen: (readonly string[])[] = [];

      await transaction(async () => {
        await afterCommit(async () => void seen.push(await durable(server)));
        await db.insert("stored");
        seen.push(await durable(server));
      });
      const failing = transaction(async () => {
        await afterCommit(() => void seen.push(["never"]));
        await db.insert("lost");
        throw new Error("the service's own");
      });
      await rejection("The transaction", failing);

      assert.deepEqual(seen, [[], ["stored"]]);
    },
  },
  {
    id: "units/serialization-retry",
    title: "runs a transaction() again that met another one, and loses no update",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();
      await db.insert("counter");
      const bothHaveRead = door();
      let reads = 0;

      async function increment(): Promise<void> {
        const total = (await db.find("counter"))?.total ?? 0;
        reads += 1;
        if (reads === 2) bothHaveRead.open();
        if (reads <= 2) await bothHaveRead.opened;
        await db.setTotal("counter", total + 1);
      }
      const options = { isolation: "serializable", retry: { attempts: 5 } } as const;
      await Promise.all([transaction(options, increment), transaction(options, increment)]);

      const [row] = await server.rows("select total from invoice");
      assert.equal(row?.["total"], 2);
    },
  },
  {
    id: "units/aborted",
    title: "rolls a transaction() back when its signal is aborted, while a statement runs",
    feature: FEATURE,
    async run({ open, server }) {
      const db = await open();
      const caller = new AbortController();
      const gone = new Error("the caller is gone");

      const work = transaction({ signal: caller.signal }, async () => {
        await db.insert("lost");
        await db.query("select 1 as slept from pg_sleep(6)");
      });
      const outcome = rejection("The transaction", work);
      await eventually(async () => {
        const running = (await server.sessions()).filter(({ query }) => query.includes("pg_sleep"));
        assert.equal(
          running.some(({ state }) => state === "active"),
          true,
        );
      });
      caller.abort(gone);

      assert.equal(await outcome, gone);
      assert.deepEqual(await durable(server), []);
      // Where nothing can be cancelled, what runs has its time.
      await eventually(async () => {
        const running = (await server.sessions()).filter(({ state }) => state === "active");
        assert.deepEqual(running, []);
      });
      assert.deepEqual(await idleInTransaction(server), []);
    },
  },
];

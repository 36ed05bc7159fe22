import assert from "node:assert/strict";
import { transaction } from "@doorpolicy/pg";
import type { FaultProxy } from "@doorpolicy/testbed";
import { eventually, policyError, rejection, soon } from "../../expect.ts";
import type { RunningServer } from "../../running-server.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, idleInTransaction } from "../ask.ts";

const UNKNOWN = "An unknown outcome is said to be unknown";
const CUT = "A connection that is lost costs one error";

/** The answer to a COMMIT is lost, once for each call. */
function loseCommit(proxy: FaultProxy): void {
  proxy.when(
    {
      direction: "server",
      message: "CommandComplete",
      match: ({ tag }) => tag === "COMMIT",
      nth: 1,
    },
    "cut",
  );
}

/** Connections that are lost on the way, at the moments that matter. */
export const lost: readonly Scenario[] = [
  {
    id: "outcome/unknown-commit",
    title: "says that nobody knows when the answer to the COMMIT of a block is lost",
    feature: UNKNOWN,
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const db = await open({ through: proxy });
      loseCommit(proxy);

      const block = db.block((inside) => inside.insert("block"));
      const error = await rejection("The block", soon("The block", block));

      // It is stored, and the application cannot know.
      assert.deepEqual(await durable(server), ["block"]);
      policyError(error, "transaction/outcome-unknown");
    },
  },
  {
    id: "outcome/unknown-commit-of-transaction",
    title: "says that nobody knows when the answer to the COMMIT of a transaction() is lost",
    feature: UNKNOWN,
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const db = await open({ through: proxy });
      loseCommit(proxy);

      const work = transaction(async () => {
        await db.insert("first");
        await db.insert("second", ["a", "b"]);
      });
      const error = await rejection("The transaction", soon("The transaction", work));

      assert.deepEqual(await durable(server), ["first", "second"]);
      policyError(error, "transaction/outcome-unknown");
    },
  },
  {
    id: "outcome/unknown-statement",
    title: "says that nobody knows when the answer to a write outside a block is lost",
    feature: UNKNOWN,
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const db = await open({ through: proxy });
      proxy.when(
        {
          direction: "server",
          message: "CommandComplete",
          match: ({ tag = "" }) => tag.startsWith("INSERT"),
          nth: 1,
        },
        "cut",
      );

      const write = db.query("insert into invoice (number) values ('one') returning 1 as one");
      const error = await rejection("The write", soon("The write", write));

      assert.deepEqual(await durable(server), ["one"]);
      policyError(error, "statement/outcome-unknown");
    },
  },
  {
    id: "outcome/read-is-known",
    title: "says of a read whose answer is lost no more than that the connection is",
    feature: UNKNOWN,
    ordinary: true,
    async run({ open, startProxy }) {
      const proxy = await startProxy();
      const db = await open({ through: proxy });
      proxy.when({ direction: "server", message: "DataRow" }, "cut");

      const read = db.query("select 1 as one");
      const error = await rejection("The read", soon("The read", read));

      assert.throws(() => policyError(error, "statement/outcome-unknown"));
      assert.deepEqual(db.violations, []);
    },
  },
  {
    id: "faults/cut-at-begin",
    title: "stores nothing of a block whose BEGIN is lost, and frees its place",
    feature: CUT,
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const db = await open({
        through: proxy,
        policy: { connections: { maxPerProcess: 1 } },
        own: { poolMax: 1 },
      });
      const begin = proxy.when(
        {
          direction: "client",
          message: ["Query", "Parse"],
          match: ({ sql = "" }) => /^(?:begin|start transaction)/i.test(sql),
          nth: 1,
        },
        "cut",
      );

      const block = db.block((inside) => inside.insert("lost"));
      await rejection("The block", soon("The block", block));
      await begin.hit;

      await soon("The next caller", db.insert("after"));
      assert.deepEqual(await durable(server), ["after"]);
      await nothingIsOpen(server);
    },
  },
  {
    id: "faults/cut-in-block",
    title:
      "refuses what follows in a block whose connection is lost, and says that it was not sent",
    feature: CUT,
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const db = await open({
        through: proxy,
        policy: { connections: { maxPerProcess: 1 } },
        own: { poolMax: 1 },
      });
      let late: unknown;

      const block = db.block(async (inside) => {
        await inside.insert("first");
        const [connection] = proxy.connections;
        assert.ok(connection, "The block has no connection.");
        connection.cut("rst");
        await rejection("The statement on the lost connection", inside.insert("second"));
        late = await rejection("The statement after it", inside.insert("third"));
        throw late;
      });
      await rejection("The block", soon("The block", block));

      assert.match(String(late), /not sent/);
      await soon("The next caller", db.insert("after"));
      assert.deepEqual(await durable(server), ["after"]);
      await nothingIsOpen(server);
    },
  },
  {
    id: "faults/cut-in-transaction",
    title: "stores nothing of a transaction() whose connection is lost, not even what follows",
    feature: CUT,
    async run({ open, server, startProxy }) {
      const proxy = await startProxy();
      const db = await open({ through: proxy });

      const work = transaction(async () => {
        await db.insert("first");
        const [connection] = proxy.connections;
        assert.ok(connection, "The transaction has no connection.");
        connection.cut();
        await db.insert("second").catch(() => {});
        await db.insert("third").catch(() => {});
      });
      await rejection("The transaction", soon("The transaction", work));

      assert.deepEqual(await durable(server), []);
      await nothingIsOpen(server);
    },
  },
];

function nothingIsOpen(server: RunningServer): Promise<void> {
  return eventually(async () => assert.deepEqual(await idleInTransaction(server), []));
}

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { transaction } from "@doorpolicy/pg";
import { eventually, policyError, rejection, reported } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { idleInTransaction } from "../ask.ts";

/** Connections and transactions that are held while nothing is done with them. */
export const held: readonly Scenario[] = [
  {
    id: "connections/held-idle",
    title: "says who holds a connection without using it, and takes it back later",
    feature: "A connection that is held and not used is taken back",
    clientNeeds: ["hands-out-connections"],
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      const db = await open({
        policy: { connections: { heldIdleWarnMs: 150, heldIdleReclaimMs: 600 } },
      });
      const taken = await db.take();
      await taken.query("select 1 as one");

      await eventually(async () => assert.deepEqual(await server.connections(), []));
      const error = await rejection("The holder's next statement", taken.query("select 2 as two"));
      await taken.release();

      const said = db.violations.filter(({ rule }) => rule === "connections/held-idle");
      assert.deepEqual(
        said.map(({ action }) => action),
        ["reported", "closed"],
      );
      policyError(error, "connection/reclaimed");
    },
  },
  {
    id: "transaction/lazy-begin",
    title: "opens an ORM's block with its first statement where the policy says so",
    feature: "A block without a statement opens no transaction",
    async run({ open, server }) {
      const db = await open({ policy: { transaction: { lazyBegin: true } } });

      const meanwhile = await db.block(async (block) => {
        const before = await idleInTransaction(server);
        await block.insert("one");
        return { before, after: (await idleInTransaction(server)).length };
      });

      assert.deepEqual(meanwhile, { before: [], after: 1 });
    },
  },
  {
    id: "transaction/external-calls",
    title: "reports a request to another service that is sent while a transaction is open",
    feature: "Calls to the outside in a transaction are reported",
    policyOnly: true,
    async run({ open }) {
      const db = await open({
        policy: { rules: { "transaction/no-external-calls": { runtime: "warn" } } },
      });
      const elsewhere = createServer((_, response) => response.end("ok"));
      elsewhere.listen(0, "127.0.0.1");
      await once(elsewhere, "listening");
      const address = elsewhere.address();
      const port = typeof address === "object" ? address?.port : undefined;

      try {
        await (await fetch(`http://127.0.0.1:${port}/outside`)).text();
        await transaction(async () => {
          await db.insert("one");
          await (await fetch(`http://127.0.0.1:${port}/secret-path`)).text();
        });
      } finally {
        elsewhere.closeAllConnections();
        elsewhere.close();
      }

      const { message } = await reported(db.violations, "transaction/no-external-calls");
      assert.match(message, /127\.0\.0\.1/);
      assert.doesNotMatch(message, /secret-path/);
    },
  },
];

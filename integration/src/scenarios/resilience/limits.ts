import assert from "node:assert/strict";
import { explainError } from "@doorpolicy/core";
import { eventually, rejection, soon } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { durable, heldBlock } from "../ask.ts";
import { judge, writeThrough } from "./writers.ts";
import { connectFailed } from "./connect-failed.ts";

const feature = "A pooler at its limits is waited for, or says so";

/** The pooler's own limits, and the database that it does not reach. */
export const limits: readonly Scenario[] = [
  {
    id: "resilience/pooler-full",
    title: "waits for a place in a pooler that takes no more clients",
    feature,
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      const other = await open({ plain: true, own: { poolMax: 1 } });
      const db = await open();
      const held = await heldBlock(other);

      await using _ = await server.setPooler({ max_client_conn: 1 });
      const asked = [db.insert("one"), db.insert("two")];
      await connectFailed();
      await held.end();
      await other.close();

      await soon("Those who waited", Promise.all(asked));
      assert.deepEqual(await durable(server), ["held", "one", "two"]);
    },
  },
  {
    id: "resilience/queue-timeout",
    title: "says that nothing was stored when the pooler gives up waiting for a server connection",
    feature,
    serverNeeds: ["transaction-mode"],
    poolSize: 1,
    wide: true,
    async run({ open, server }) {
      const db = await open();
      const held = await heldBlock(await open());
      await using _ = await server.setPooler({ query_wait_timeout: 1 });

      const error = await rejection("The write", soon("The write", db.insert("refused")));
      await held.end();

      const { kind, retryable } = explainError(error) ?? {};
      assert.deepEqual([kind, retryable], ["pooler.queue-timeout", "yes"]);
      await soon("The next write", db.insert("after"));
      assert.deepEqual(await durable(server), ["after", "held"]);
    },
  },
  {
    id: "resilience/server-login-retry",
    title: "recovers as soon as the pooler has forgotten that the database was away",
    feature,
    serverNeeds: ["pooler"],
    wide: true,
    async run({ open, server }) {
      await using _ = await server.setPooler({ server_login_retry: 1 });
      const db = await open();
      // Its connections are new: whoever PgBouncer let in before its first failure waits there for the database.
      const late = await open();
      const logs = server.markLogs();

      const account = await writeThrough(db, {
        async while() {
          await server.stopPostgres();
          try {
            await eventually(() => assert.match(logs(), /closing because: connect failed/));
            const write = late.query("insert into audit (note) values ('away')");
            const error = await rejection("The write", soon("The write", write));
            assert.equal(explainError(error)?.retryable, "yes", String(error));
          } finally {
            await server.startPostgres();
          }
        },
        recoversWithinMs: 7_000,
      });

      await judge(server, account);
    },
  },
];

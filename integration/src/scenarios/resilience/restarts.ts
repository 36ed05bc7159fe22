import assert from "node:assert/strict";
import { transaction } from "@doorpolicy/pg";
import { eventually, soon } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { heldBlock } from "../ask.ts";
import { judge, kindsOf, writeThrough } from "./writers.ts";
import { connectFailed } from "./connect-failed.ts";

const feature = "A server that restarts is waited for";

/** Above the acquire limit: what a caller is promised of a connection that can be had again. */
const DEADLINE_MS = 6_000;

/** PgBouncer refuses statements for 15 s after one failed login to the database, unless it is told otherwise. */
const REMEMBERS_BRIEFLY = { server_login_retry: 1 };

/** Poolers are replaced with every release, databases are restarted for their minor versions. */
export const restarts: readonly Scenario[] = [
  {
    id: "resilience/pooler-away",
    title: "waits for a pooler that is away for a moment, and fails nobody who has sent nothing",
    feature,
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      const db = await open();
      await db.insert("before");
      await eventually(async () => assert.deepEqual(await server.connections(), []));

      await server.stopPooler();
      const asked = ["one", "two", "three"].map((number) => db.insert(number));
      const inOne = transaction(() => db.insert("four"));
      await connectFailed();
      await server.startPooler();

      await soon("Those who waited", Promise.all([...asked, inOne]));
      const rows = await server.rows("select count(*)::int as stored from invoice");
      assert.deepEqual(rows, [{ stored: 5 }]);
    },
  },
  {
    id: "resilience/pooler-restart",
    title: "loses no acknowledged write to a pooler that dies under load, and writes none twice",
    feature,
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      const db = await open();

      const account = await writeThrough(db, {
        async while() {
          await server.stopPooler();
          await server.startPooler();
        },
        recoversWithinMs: DEADLINE_MS,
      });

      await judge(server, account);
      // One statement each was on its way at most.
      assert.ok(account.failures.length <= 4, kindsOf(account.failures).join(", "));
    },
  },
  {
    id: "resilience/pooler-rolls",
    title: "lets a pooler that was told to end leave under load, and waits for the next one",
    feature,
    serverNeeds: ["pooler"],
    async run({ open, server }) {
      // Under load a connection goes from hand to hand; this is how long at most.
      const db = await open({
        policy: { connections: { maxLifetimeMs: 1_000, idleTimeoutMs: 500 } },
      });

      const account = await writeThrough(db, {
        async while() {
          // Since 1.23 it waits until its clients have left, before that it goes at once.
          server.signalPooler("SIGTERM");
          await eventually(() => assert.ok(!server.isPoolerRunning(), "The pooler still waits."));
          await server.startPooler();
        },
        recoversWithinMs: DEADLINE_MS,
      });

      await judge(server, account);
    },
  },
  {
    id: "resilience/postgres-restart",
    title:
      "loses no acknowledged write to a database that restarts under load, and writes none twice",
    feature,
    wide: true,
    async run({ open, server }) {
      await using _ = await server.setPooler(REMEMBERS_BRIEFLY);
      const db = await open();

      const account = await writeThrough(db, {
        while: () => server.restartPostgres(),
        recoversWithinMs: DEADLINE_MS,
      });

      await judge(server, account);
    },
  },
  {
    id: "resilience/postgres-away",
    title: "ends no block but those that were open when the database went away",
    feature,
    wide: true,
    async run({ open, server }) {
      await using _ = await server.setPooler(REMEMBERS_BRIEFLY);
      const db = await open();
      const held = await heldBlock(db);

      await server.restartPostgres();
      await assert.rejects(soon("The open block", held.end()));

      await eventually(() => db.insert("after"), DEADLINE_MS);
      const rows = await server.rows("select number from invoice");
      assert.deepEqual(rows, [{ number: "after" }]);
    },
  },
];

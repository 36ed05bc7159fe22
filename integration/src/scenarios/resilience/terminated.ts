import assert from "node:assert/strict";
import { eventually, rejection, soon } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { durable } from "../ask.ts";

const feature = "A killed backend costs one error";

/** Backends are killed by administrators, limits, the kernel and failovers. */
export const terminated: readonly Scenario[] = [
  {
    id: "resilience/terminated-in-block",
    title: "fails one block per killed backend, and works on with all its connections",
    feature,
    async run({ open, server }) {
      const db = await open({ policy: { connections: { maxPerProcess: 3 } } });

      for (let turn = 0; turn < 3; turn += 1) {
        const block = db.block(async (inside) => {
          await inside.insert(`killed-${turn}`);
          const [row] = await inside.query("select pg_backend_pid() as pid");
          await server.terminate(Number(row?.["pid"]));
          await inside.query("select 1 as one");
        });
        await rejection("The block", soon("The block", block));
      }
      const after = Array.from({ length: 6 }, (_, index) => db.insert(`after-${index}`));
      await soon("What follows", Promise.all(after));

      assert.equal((await durable(server)).length, 6);
    },
  },
  {
    id: "resilience/terminated-while-idle-in-block",
    title: "survives a backend killed while its block waits for something else",
    feature,
    async run({ open, server }) {
      const db = await open();

      const block = db.block(async (inside) => {
        await inside.insert("killed");
        const [row] = await inside.query("select pg_backend_pid() as pid");
        const pid = Number(row?.["pid"]);
        await server.terminate(pid);
        await eventually(async () => {
          const pids = (await server.sessions()).map((session) => session.pid);
          assert.ok(!pids.includes(pid), "The backend still lives.");
        });
        await inside.insert("after-the-kill");
      });
      await rejection("The block", soon("The block", block));
      await soon("What follows", db.insert("after"));

      assert.deepEqual(await durable(server), ["after"]);
    },
  },
];

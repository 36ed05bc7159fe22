import assert from "node:assert/strict";
import { eventually, soon } from "../../expect.ts";
import type { Scenario } from "../../scenario.ts";
import { door, setting } from "../ask.ts";

const feature = "Every connection says who it is";

/** Naming: PgBouncer hides where a connection comes from, so every connection says it. */
export const naming: readonly Scenario[] = [
  {
    id: "naming/every-connection",
    title: "names each of ten connections at once, in Postgres and in the pooler",
    feature,
    async run({ open, server, name }) {
      const db = await open();
      const { opened, open: letGo } = door();

      const blocks = Array.from({ length: 10 }, () =>
        db.block(async (block) => {
          const rows = await block.query(setting("application_name"));
          await opened;
          return rows[0]?.["value"];
        }),
      );

      await eventually(async () => {
        const names = (await server.connections()).map(({ applicationName }) => applicationName);
        assert.deepEqual(
          names,
          Array.from({ length: 10 }, () => name),
        );
      });
      letGo();
      assert.deepEqual([...new Set(await Promise.all(blocks))], [name]);
    },
  },
  {
    id: "naming/over-url",
    title: "is called as the policy says when its URL says otherwise",
    feature,
    async run({ open, name }) {
      const db = await open({ urlParameters: { application_name: "from-url" } });

      const [row] = await db.query(setting("application_name"));

      assert.equal(row?.["value"], name);
    },
  },
  {
    id: "naming/over-environment",
    title: "is called as the policy says when PGAPPNAME says otherwise",
    feature,
    async run({ open, name, setEnvironment }) {
      setEnvironment({ PGAPPNAME: "from-environment" });
      const db = await open();

      const [row] = await db.query(setting("application_name"));

      assert.equal(row?.["value"], name);
    },
  },
  {
    id: "naming/over-option",
    title: "is called as the policy says when its own option says otherwise",
    feature,
    async run({ open, name }) {
      const db = await open({ own: { applicationName: "from-option" } });

      const [row] = await db.query(setting("application_name"));

      assert.equal(row?.["value"], name);
    },
  },
  {
    id: "naming/never-a-strangers",
    title: "never shows the name of another client that has just used its server connection",
    feature,
    serverNeeds: ["transaction-mode"],
    poolSize: 1,
    async run({ open, name }) {
      const ours = await open();
      const theirs = await open({ policy: { naming: { app: "another" } } });

      const seen: unknown[] = [];
      for (let turn = 0; turn < 10; turn += 1) {
        // One server connection, in turns: each finds the name that the other has left on it.
        for (const db of [ours, theirs]) {
          const rows = await soon("A turn", db.query(setting("application_name")));
          seen.push(rows[0]?.["value"]);
        }
      }

      const turns = Array.from({ length: 10 }, () => [
        name,
        name.replace("conformance", "another"),
      ]);
      assert.deepEqual(seen, turns.flat());
    },
  },
];

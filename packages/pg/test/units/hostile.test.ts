import { createRequire } from "node:module";

import { afterCommit, allowing, detached, drain, transaction, unitOfWork } from "@doorpolicy/pg";
import type { Submittable } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { sharedState } from "../../src/registry.ts";
import { makeCursor, rejection, requirePg } from "../world.ts";
import { type Actor, clear, gate, type Stage, startStage } from "./stage.ts";

/** `pg-copy-streams`, which comes without types. */
interface CopyStreams {
  from(text: string): Submittable & NodeJS.WritableStream;
}

const copy: CopyStreams = createRequire(import.meta.url)("pg-copy-streams");

let stage: Stage;
let actor: Actor;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await clear(stage);
  actor = stage.actor({ transaction: { idleTimeoutMs: 5_000 } });
});
afterEach(async () => {
  await actor[Symbol.asyncDispose]();
  delete sharedState().isDraining;
  delete sharedState().isDrained;
});

const tenant = "select coalesce(current_setting('app.tenant', true), '') as s";

describe("transaction()", () => {
  test.each([{}, { autosave: "statement" } as const])(
    "answers a COPY that nobody writes to as pg does, with %o",
    async (options) => {
      const began = performance.now();

      const error = await rejection(
        transaction(options, () => actor.pool.query("/* in */ copy t from stdin")),
      );

      expect(error).toMatchObject({ code: "57014" });
      expect(performance.now() - began).toBeLessThan(4_000);
    },
  );

  test.each([
    ["a cursor", () => makeCursor("commit")],
    ["a query object of another pg", () => new (requirePg("pg816").Query)("commit")],
  ])("refuses a COMMIT that comes as %s", async (_, make) => {
    const error = await rejection(
      transaction(async () => {
        await actor.pool.query("insert into t values (1, 'a')");
        const client = await actor.pool.connect();
        const query = make();
        await new Promise((resolve, reject) => {
          Object.assign(query, { handleError: reject });
          client.query(query);
          if ("read" in query) query.read(1).then(resolve, reject);
        }).finally(() => client.release());
      }),
    );

    expect(error).toMatchObject({ code: "transaction/no-raw-control" });
    expect(await stage.stored()).toEqual([]);
  });

  test("fails, and says so, when a text has hidden a COMMIT from everybody but the server", async () => {
    const error = await rejection(
      transaction(async () => {
        await allowing("session-state/no-set", "to hide a COMMIT from the lexer", async () => {
          await actor.pool.query("set local standard_conforming_strings = off");
          await actor.pool.query("select 'a\\'';commit;begin;--'").catch(() => undefined);
        });
        await actor.pool.query("insert into t values (1, 'a')");
      }),
    );

    expect(error).toMatchObject({ code: "transaction/no-raw-control" });
    expect(actor.rules()).toContain("transaction/no-raw-control");
    expect(await stage.stored()).toEqual([]);
  });

  test("lets a holder put a function of his own in the place of query(), as node-postgres shows it", async () => {
    const texts: unknown[] = [];

    await transaction(async () => {
      const client = await actor.pool.connect();
      // oxlint-disable-next-line typescript/unbound-method -- as node-postgres' documentation has it.
      const { query } = client;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as node-postgres' documentation has it.
      client.query = ((...given: Parameters<typeof query>) => {
        texts.push(given[0]);
        return query.apply(client, given);
      }) as typeof query;
      await client.query("insert into t values (1, 'a')");
      client.release();
      await actor.pool.query("insert into t values (2, 'a')");
    });

    expect(texts).toEqual(["insert into t values (1, 'a')"]);
    expect(await stage.stored()).toEqual([1, 2]);
  });

  test("goes on when a holder ends what he has given back", async () => {
    await transaction(async () => {
      const client = await actor.pool.connect();
      await client.query("insert into t values (1, 'a')");
      client.release();
      await client.end();
      await actor.pool.query("insert into t values (2, 'a')");
    });

    expect(await stage.stored()).toEqual([1, 2]);
  });

  test("gives a statement to another target, where that is allowed, its own settings", async () => {
    await using other = stage.actor({}, {}, undefined, { lane: "direct" });

    const rows = await transaction(
      { otherTargets: "independent", setLocal: { "app.tenant": "7" } },
      async () => {
        await actor.pool.query("select 1");
        return (await other.pool.query(tenant)).rows;
      },
    );

    expect(rows).toEqual([{ s: "7" }]);
  });

  test("is rolled back whole when the signal of one that has joined it is aborted", async () => {
    const caller = new AbortController();
    const never = gate();

    const error = await rejection(
      transaction(async () => {
        await actor.pool.query("insert into t values (1, 'a')");
        const joined = transaction({ propagation: "join", signal: caller.signal }, async () => {
          await actor.pool.query("insert into t values (2, 'a')");
          caller.abort(new Error("gone"));
          await never.opened;
        });
        expect(await rejection(joined)).toMatchObject({ message: "gone" });
      }),
    );

    expect(error).toMatchObject({ code: "transaction/rolled-back-at-commit" });
    expect(await stage.stored()).toEqual([]);
  });

  test("undoes a failed statement alone in an inner one that asks for it", async () => {
    await transaction(async () => {
      await actor.pool.query("insert into t values (1, 'a')");
      await transaction({ autosave: "statement" }, async () => {
        await rejection(actor.pool.query("insert into t values (1, 'again')"));
        await actor.pool.query("insert into t values (2, 'a')");
      });
    });

    expect(await stage.stored()).toEqual([1, 2]);
  });

  test.each([
    ["an inner read-only one", () => transaction(() => transaction({ readOnly: true }, () => 1))],
    [
      "its function before its options",
      () => Reflect.apply(transaction, undefined, [() => 1, { isolation: "serializable" }]),
    ],
    [
      "settings in a Map",
      () => Reflect.apply(transaction, undefined, [{ setLocal: new Map() }, () => 1]),
    ],
    [
      "a setting that strings are read by",
      () => transaction({ setLocal: { Standard_Conforming_Strings: "off" } }, () => 1),
    ],
  ])("refuses %s", async (_, run) => {
    expect(await rejection(run())).toMatchObject({ code: "unit/invalid" });
  });

  test("refuses a pool in pipeline mode, and gives its connection back", async () => {
    await using pipelined = stage.actor({}, Object.assign({ max: 1 }, { pipeline: true }));

    const error = await rejection(transaction(() => pipelined.pool.query("select 1")));

    expect(error).toMatchObject({ code: "unit/invalid" });
    expect((await pipelined.pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  });

  test("leaves an abandoned COPY that was written to, and its connection goes on", async () => {
    const dropped = stage.world.droppedServers();
    const began = performance.now();

    const error = await rejection(
      transaction(async () => {
        const client = await actor.pool.connect();
        const stream = client.query(copy.from("copy t (id) from stdin"));
        stream.on("error", () => undefined);
        await new Promise((resolve) => stream.write("5\n", resolve));
        client.release();
        throw new Error("the service's own");
      }),
    );
    await actor.pool.query("insert into t values (1, 'a')");

    expect(error).toMatchObject({ message: "the service's own" });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await stage.stored()).toEqual([1]);
    await actor.pool.end();
    expect(stage.world.droppedServers()).toBe(dropped);
  });
});

describe("unitOfWork()", () => {
  test("keeps its tenant for late work of an inner one that has the same", async () => {
    const ended = gate();

    const rows = await unitOfWork({ setLocal: { "app.tenant": "1" } }, async () => {
      let straggler: Promise<{ rows: unknown[] }> | undefined;
      await unitOfWork({ label: "inner" }, () => {
        straggler = ended.opened.then(() => actor.pool.query(tenant));
      });
      ended.open();
      return (await straggler)?.rows;
    });

    expect(rows).toEqual([{ s: "1" }]);
    expect(actor.rules()).toEqual(["unit/late-work"]);
  });

  test("takes names that differ in their case for one setting", async () => {
    const rows = await unitOfWork({ setLocal: { "app.tenant": 1 } }, () =>
      unitOfWork({ setLocal: { "APP.tenant": 2 } }, () =>
        unitOfWork(
          { setLocal: { "app.tenant": 3 } },
          async () => (await actor.pool.query(tenant)).rows,
        ),
      ),
    );

    expect(rows).toEqual([{ s: "3" }]);
  });
});

describe("afterCommit()", () => {
  test("uses the connection and the settings of the unit around, where there is no second one", async () => {
    await using small = stage.actor({
      connections: { maxPerProcess: 1, acquireTimeoutMs: 800 },
    });
    let rows: unknown;

    await unitOfWork({ setLocal: { "app.tenant": "7" } }, () =>
      transaction(async () => {
        await transaction(() =>
          afterCommit(async () => {
            rows = (await small.pool.query(tenant)).rows;
          }),
        );
        await small.pool.query("insert into t values (1, 'a')");
      }),
    );

    expect(rows).toEqual([{ s: "7" }]);
    expect(small.seen).toEqual([]);
  });
});

describe("after drain()", () => {
  test("ending a pool does nothing, and a new one gives no connection", async () => {
    await actor.pool.query("select 1");
    await drain(1_000);
    await using later = stage.actor();

    await actor.pool.end();
    const errors = await Promise.all([
      rejection(actor.pool.query("select 1")),
      rejection(later.pool.query("select 1")),
      rejection(detached(() => later.pool.connect())),
    ]);

    for (const error of errors) expect(error).toMatchObject({ code: "unit/draining" });
  });
});

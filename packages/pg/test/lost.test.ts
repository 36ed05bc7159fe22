import type { Mode } from "@doorpolicy/core";
import type { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { startTap } from "./tap.ts";
import {
  eventually,
  makeCursor,
  rejection,
  requirePg,
  startWorld,
  type World,
  PG_VERSIONS,
} from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
  await world.bed.sql("create table note (text text); grant all on note to public", "app");
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await world.bed.sql("truncate note", "app");
});

/** Sends something whose answer never comes: the server has done it when the wire is cut. */
async function cutDuring(
  options: { mode?: Mode; before?: string[]; pg?: string; config?: object },
  send: (client: Client) => Promise<unknown>,
  isDone: () => Promise<void>,
): Promise<{ errors: unknown[]; seen: readonly { rule: string; action: string }[] }> {
  const { mode = "enforce", before = [], pg: name = "pg", config = {} } = options;
  const { pg, seen } = world.guard({ mode }, requirePg(name));
  await using tap = await startTap(world.bed.urls.pooled);
  const client = new pg.Client({ connectionString: tap.url(world.bed.urls.pooled), ...config });
  await client.connect();
  for (const text of before) await client.query(text);

  tap.deafen();
  const lost = Promise.allSettled([send(client), rejection(client.query("select 'behind it'"))]);
  await isDone();
  tap.cut();

  const errors = (await lost).map((one) => (one.status === "rejected" ? one.reason : one.value));
  await client.end();
  return { errors, seen: seen.map(({ rule, action }) => ({ rule, action })) };
}

const INSERT = "insert into note values ('done')";

async function isStored(): Promise<void> {
  await eventually(async () => {
    expect(await world.bed.sql("select * from note", "app")).toHaveLength(1);
  });
}

async function isRunning(): Promise<void> {
  await eventually(async () => {
    const rows = await world.bed.sql(
      "select 1 from pg_stat_activity where query like '%done%' and pid <> pg_backend_pid()",
    );
    expect(rows.length).toBeGreaterThan(0);
  });
}

describe.each(PG_VERSIONS)("with %s, a lost connection", (name) => {
  test("leaves the outcome of a write outside a block unknown, and says that what waited was not sent", async () => {
    const { errors, seen } = await cutDuring({ pg: name }, (one) => one.query(INSERT), isStored);

    expect(errors).toMatchObject([
      {
        code: "statement/outcome-unknown",
        message: expect.stringContaining("it took effect, or it did not"),
        cause: expect.objectContaining({
          message: expect.stringMatching(/Connection terminated|ECONNRESET/),
        }),
      },
      {
        message: expect.stringMatching(
          /^Client has encountered a connection error and is not queryable: the statement was not sent\./,
        ),
      },
    ]);
    expect(seen).toEqual([{ rule: "statement/outcome-unknown", action: "reported" }]);
  });

  test("leaves the outcome of a COMMIT unknown", async () => {
    const { errors, seen } = await cutDuring(
      { pg: name, before: ["BEGIN", INSERT] },
      (one) => one.query("COMMIT"),
      isStored,
    );

    expect(errors[0]).toMatchObject({ code: "transaction/outcome-unknown" });
    expect(seen).toEqual([{ rule: "transaction/outcome-unknown", action: "reported" }]);
  });
});

describe("a statement that was lost", () => {
  test.each(["statement", "transaction"])("keeps pg's error in observe: %s", async (what) => {
    const before = what === "transaction" ? ["BEGIN", INSERT] : [];
    const text = what === "transaction" ? "COMMIT" : INSERT;

    const observed = await cutDuring(
      { mode: "observe", before },
      (one) => one.query(text),
      isStored,
    );

    expect(observed.errors).toMatchObject([
      { message: "Connection terminated unexpectedly" },
      { message: "Connection terminated unexpectedly" },
    ]);
    expect(observed.seen).toEqual([{ rule: `${what}/outcome-unknown`, action: "would-have" }]);
  });

  test("is what it is in bypass", async () => {
    const { errors, seen } = await cutDuring(
      { mode: "bypass" },
      (one) => one.query(INSERT),
      isStored,
    );

    expect(errors[0]).toMatchObject({ message: "Connection terminated unexpectedly" });
    expect(seen).toEqual([]);
  });

  test.each<[string, string[], string]>([
    ["a read", [], "select 'done', pg_sleep(5)"],
    ["a write inside a block", ["BEGIN"], INSERT],
    ["a COMMIT of a failed block", ["BEGIN", "select 1/0"], "COMMIT /* done */"],
  ])("has no unknown outcome: %s", async (_, before, text) => {
    const { pg, seen } = world.guard();
    await using tap = await startTap(world.bed.urls.pooled);
    const client = new pg.Client(tap.url(world.bed.urls.pooled));
    await client.connect();
    for (const one of before) await client.query(one).catch(() => undefined);
    // An error comes before the status that it leads to.
    await eventually(() => expect(Reflect.get(client, "readyForQuery")).toBe(true));

    tap.deafen();
    const lost = rejection(client.query(text));
    await isRunning();
    tap.cut();

    expect(await lost).toMatchObject({ message: "Connection terminated unexpectedly" });
    expect(seen).toEqual([]);
    await client.end();
  });

  test("is unknown in every form of call", async () => {
    const { pg } = world.guard();
    const forms: ((client: Client) => Promise<unknown>)[] = [
      (client) => client.query({ text: "insert into note values ($1)", values: ["done"] }),
      (client) => new Promise((_, reject) => client.query(INSERT, (error) => reject(error))),
      (client) =>
        new Promise((_, reject) =>
          client.query(new pg.Query(INSERT, (error: unknown) => reject(error))),
        ),
      (client) =>
        new Promise((_, reject) => client.query(new pg.Query(INSERT)).on("error", reject)),
      (client) => client.query(makeCursor(`${INSERT} returning text`)).read(1),
    ];
    for (const form of forms) {
      await world.bed.sql("truncate note", "app");
      const isCursor = form === forms.at(-1);

      // What a cursor wrote is stored with its Sync, which nobody sent.
      const { errors } = await cutDuring({}, form, isCursor ? isRunning : isStored);

      expect(errors[0]).toMatchObject({ code: "statement/outcome-unknown" });
    }
  });

  test("of several in a pipeline is unknown for each that may be stored", async () => {
    const { errors } = await cutDuring(
      { config: { pipeline: true } },
      async (client) => {
        const all = ["BEGIN", INSERT, "COMMIT", "select 1", "insert into note values ('too')"];
        return await Promise.allSettled(all.map((text) => client.query(text)));
      },
      async () => {
        await eventually(async () => {
          expect(await world.bed.sql("select * from note", "app")).toHaveLength(2);
        });
      },
    );

    expect(errors[0]).toMatchObject([
      { reason: { message: "Connection terminated unexpectedly" } },
      { reason: { message: "Connection terminated unexpectedly" } },
      { reason: { code: "transaction/outcome-unknown" } },
      { reason: { message: "Connection terminated unexpectedly" } },
      { reason: { code: "statement/outcome-unknown" } },
    ]);
  });

  test("is not unknown to whoever was told that pg stopped waiting for it", async () => {
    const { errors, seen } = await cutDuring(
      { config: { query_timeout: 100 } },
      (client) => client.query(INSERT),
      async () => {
        await isStored();
        await new Promise((resolve) => {
          setTimeout(resolve, 200);
        });
      },
    );

    expect(errors[0]).toMatchObject({ message: "Query read timeout" });
    expect(seen).toEqual([]);
  });
});

describe("a backend that goes away behind the pooler", () => {
  test("has aborted what it was running when it said so, and the next statement says why", async () => {
    const { pg, seen } = world.guard();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();

    const running = rejection(client.query("insert into note select 'done' from pg_sleep(5)"));
    await isRunning();
    await world.bed.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where query like '%done%' and pid <> pg_backend_pid()",
    );

    expect(await running).toMatchObject({ code: "57P01" });
    expect(await rejection(client.query("select 1"))).toMatchObject({
      message: expect.stringContaining("terminating connection due to administrator command"),
      cause: expect.objectContaining({ code: "57P01" }),
    });
    expect(seen).toEqual([]);
    await client.end();
  });

  test("without a word leaves the outcome unknown, though the pooler has one", async () => {
    const { pg, seen } = world.guard();
    const client = new pg.Client(world.bed.urls.pooled);
    await client.connect();
    const rows = await client.query("select pg_backend_pid() as pid");

    const running = rejection(client.query("insert into note select 'done' from pg_sleep(5)"));
    await isRunning();
    process.kill(Number(rows.rows[0].pid), "SIGKILL");

    expect(await running).toMatchObject({
      code: "statement/outcome-unknown",
      cause: expect.objectContaining({ message: "server conn crashed?" }),
    });
    expect(seen).toMatchObject([{ rule: "statement/outcome-unknown" }]);
    await client.end();
    await eventually(async () => {
      await world.bed.sql("select 1", "app");
    });
  });
});
